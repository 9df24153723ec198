//! Reading and changing items of accounts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_sdk_dynamodb::types::AttributeValue;
use local::Item;
use password::{Cost, Secret, Verification};

/// The string attribute with this name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap()
}

/// The number attribute with this name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn number(item: &Item, name: &str) -> u64 {
    item[name].as_n().unwrap().parse().unwrap()
}

/// Whether this password matches this hash.
///
/// # Panics
/// If the hash cannot be read.
#[must_use]
pub fn verifies(hash: &str, password: &str) -> bool {
    let (hash, password) = (Secret::from(hash), Secret::from(password));
    let verification = local::hasher(Cost::NEGLIGIBLE).verify(&password, &hash);
    verification.unwrap() != Verification::Invalid
}

/// Disables an account.
pub fn disable(item: &mut Item) {
    item.insert("disabled".to_owned(), AttributeValue::Bool(true));
}
