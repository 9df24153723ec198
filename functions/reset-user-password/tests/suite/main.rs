//! Tests of the function through its interfaces to callers, DynamoDB and SES.

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
