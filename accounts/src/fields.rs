//! Conversion of item attributes to values of records.

use std::collections::BTreeSet;

use password::{Secret, Stored};
use serde_json::Value;
use shared::clock::Timestamp;
use shared::dynamodb::{Item, get_flag, get_number, get_text};
use shared::users::NO_BRAND;

pub(crate) fn text(item: &Item, name: &str) -> Value {
    get_text(item, name).filter(|text| !text.is_empty()).into()
}

/// Returns the key of the account's brand.
pub(crate) fn brand(item: &Item) -> Value {
    get_text(item, "brand")
        .filter(|brand| *brand != NO_BRAND)
        .into()
}

pub(crate) fn number(item: &Item, name: &str) -> Value {
    get_number(item, name).into()
}

pub(crate) fn time(item: &Item, name: &str) -> Value {
    let time = get_number(item, name).map(|at| Timestamp(at).rfc3339());
    time.into()
}

pub(crate) fn flag(item: &Item, name: &str) -> Value {
    get_flag(item, name).into()
}

/// Returns the roles of an account.
pub(crate) fn roles(item: &Item) -> BTreeSet<String> {
    let roles = item.get("roles").and_then(|roles| roles.as_ss().ok());
    roles.into_iter().flatten().cloned().collect()
}

/// The algorithm of hashes that are not imported.
const CURRENT: &str = "argon2id";

/// Returns whether the password still has a hash imported from an old system.
pub(crate) fn has_imported_hash(item: &Item) -> bool {
    algorithm(item).is_some_and(|algorithm| algorithm != CURRENT)
}

/// Returns the algorithm of the password hash; `None` without a password.
pub(crate) fn algorithm(item: &Item) -> Option<&'static str> {
    let stored = get_text(item, "password_hash")?;
    Some(match Stored::parse(&Secret::from(stored)) {
        Ok(stored) => stored.algorithm(),
        Err(_) => "unreadable",
    })
}
