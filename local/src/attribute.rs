//! Items of DynamoDB, and attribute values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The attributes of an item.
pub type Item = HashMap<String, AttributeValue>;

/// Makes a string attribute.
#[must_use]
pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Makes a number attribute.
#[must_use]
pub fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
