//! Tests of the function through its interfaces to callers, DynamoDB and SES.

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
