//! Items of the Users table as accounts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::protocol::SUPERSEDED;
use super::{FailedReset, NO_BRAND, Temporary, User};
use crate::clock::Timestamp;
use password::Secret;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

pub(super) fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn flag(item: &Item, name: &str) -> bool {
    item.get(name).and_then(|flag| flag.as_bool().ok()).copied() == Some(true)
}

fn map<'a>(item: &'a Item, name: &str) -> Option<&'a Item> {
    item.get(name)?.as_m().ok()
}

fn temporary(item: &Item) -> Option<Temporary> {
    Some(Temporary {
        hash: Secret::from(text(item, "hash")?),
        expires_at: Timestamp(number(item, "expires_at")?),
    })
}

fn reset(item: &Item) -> Option<FailedReset> {
    let reset = map(item, "reset")?;
    Some(FailedReset {
        request_id: text(reset, "request_id")?,
        attempts: number(reset, "attempts")?,
        requested_at: number(reset, "requested_at").map(Timestamp),
        is_superseded: flag(item, SUPERSEDED),
    })
}

/// The brand of an account, if it has one.
pub(super) fn brand(item: &Item) -> Option<String> {
    text(item, "brand").filter(|brand| brand != NO_BRAND)
}

/// An account from its item; `None` when an attribute that every account has is missing.
pub(super) fn user(item: &Item) -> Option<User> {
    let username = text(item, "username")?;
    Some(User {
        display_username: text(item, "display_username").unwrap_or_else(|| username.clone()),
        id: number(item, "id")?,
        email: text(item, "email").filter(|address| !address.is_empty()),
        display_name: text(item, "display_name").unwrap_or_default(),
        brand: brand(item),
        language: text(item, "language"),
        roles: item
            .get("roles")
            .and_then(|roles| roles.as_ss().ok())
            .map(|roles| roles.iter().cloned().collect())
            .unwrap_or_default(),
        password_hash: text(item, "password_hash").map(Secret::from),
        password_changed_at: number(item, "password_changed_at").map(Timestamp),
        password_expires_at: number(item, "password_expires_at").map(Timestamp),
        must_change_password: flag(item, "must_change_password"),
        temporary: map(item, "temporary").and_then(temporary),
        reset: reset(item),
        disabled: flag(item, "disabled"),
        username,
    })
}
