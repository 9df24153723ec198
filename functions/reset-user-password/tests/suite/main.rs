//! The function as its callers, DynamoDB and SES see it.

mod bad_input;
mod enumeration;
mod faults;
mod feedback;
mod first_request;
mod flow;
mod limits;
mod mail;
mod sweep;
mod thaw;
mod usernames;
