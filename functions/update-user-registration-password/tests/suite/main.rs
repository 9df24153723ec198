//! The function as its callers, DynamoDB and SES see it.

mod bad_input;
mod enumeration;
mod faults;
mod flow;
mod left_out;
mod limits;
mod mail;
mod metadata;
mod pace;
mod race;
mod sessions;
mod soap;
mod thaw;
