//! The commands that change nothing.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use password::{Secret, Stored};
use serde_json::Value;
use shared::clock::Timestamp;
use shared::users::UsernameKey;

use crate::Error;
use crate::access::Session;
use crate::console::Record;

type Item = HashMap<String, AttributeValue>;

/// An account without its hashes.
pub(crate) async fn show(session: &Session<'_>, username: &str) -> Result<Record, Error> {
    let key = UsernameKey::new(username);
    let item = session
        .clients()?
        .dynamodb
        .get_item()
        .table_name(session.users_table()?)
        .key("username", AttributeValue::S(key.as_str().to_owned()))
        .consistent_read(true)
        .send()
        .await
        .map_err(Error::unavailable)?
        .item
        .ok_or_else(|| Error::Unknown(username.to_owned()))?;
    let empty = Item::new();
    let map = |name| item.get(name).and_then(|v| v.as_m().ok()).unwrap_or(&empty);
    Ok(Record::new([
        ("username", text(&item, "username")),
        ("display_username", text(&item, "display_username")),
        ("id", number(&item, "id")),
        ("display_name", text(&item, "display_name")),
        ("email", text(&item, "email")),
        ("email_failed_at", time(&item, "email_failed_at")),
        ("brand", text(&item, "brand")),
        ("language", text(&item, "language")),
        ("roles", roles(&item)),
        ("disabled", flag(&item, "disabled")),
        ("password", algorithm(&item)),
        ("password_changed_at", time(&item, "password_changed_at")),
        ("must_change_password", flag(&item, "must_change_password")),
        ("password_expires_at", time(&item, "password_expires_at")),
        ("temporary_expires_at", time(map("temporary"), "expires_at")),
        ("reset_attempts", number(map("reset"), "attempts")),
        ("reset_due_at", time(&item, "reset_due_at")),
        ("sessions_valid_after", time(&item, "sessions_valid_after")),
        ("imported_at", time(&item, "imported_at")),
        ("version", number(&item, "version")),
    ]))
}

/// The audit rows of an account, which may be gone itself.
pub(crate) async fn audit(session: &Session<'_>, username: &str) -> Result<Vec<Record>, Error> {
    let key = UsernameKey::new(username);
    let pages = session
        .clients()?
        .dynamodb
        .query()
        .table_name(session.audit_table()?)
        .key_condition_expression("username = :username")
        .expression_attribute_values(":username", AttributeValue::S(key.as_str().to_owned()))
        .into_paginator()
        .items()
        .send();
    let rows: Vec<Item> = pages.try_collect().await.map_err(Error::unavailable)?;
    let record = |row: &Item| {
        let at = text(row, "at");
        let at = at
            .as_str()
            .and_then(|at| at.split_once('#'))
            .map(|(at, _)| at);
        Record::new([
            ("at", at.into()),
            ("event", text(row, "event")),
            ("detail", text(row, "detail")),
            ("actor", text(row, "actor")),
            ("requester", text(row, "requester")),
            ("source", text(row, "source")),
            ("request_id", text(row, "request_id")),
        ])
    };
    Ok(rows.iter().map(record).collect())
}

/// The resets whose mail is not accepted yet. One that was finished since the index was asked is
/// left out.
pub(crate) async fn pending(session: &Session<'_>) -> Result<Vec<Record>, Error> {
    let users = session.users()?;
    let mut records = Vec::new();
    for (username, due_at) in users.pending().await? {
        let user = users.find(&UsernameKey::new(&username)).await?;
        let Some(reset) = user.and_then(|user| user.reset) else {
            continue;
        };
        records.push(Record::new([
            ("username", username.into()),
            ("attempts", reset.attempts.into()),
            ("next_attempt_at", due_at.rfc3339().into()),
            ("request_id", reset.request_id.into()),
        ]));
    }
    Ok(records)
}

pub(crate) fn text(item: &Item, name: &str) -> Value {
    let text = item.get(name).and_then(|value| value.as_s().ok());
    text.map(String::as_str).into()
}

fn number(item: &Item, name: &str) -> Value {
    parsed(item, name).into()
}

fn parsed(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn time(item: &Item, name: &str) -> Value {
    parsed(item, name).map(|at| Timestamp(at).rfc3339()).into()
}

fn flag(item: &Item, name: &str) -> Value {
    let flag = item.get(name).and_then(|value| value.as_bool().ok());
    flag.copied().unwrap_or_default().into()
}

fn roles(item: &Item) -> Value {
    let roles = item.get("roles").and_then(|roles| roles.as_ss().ok());
    let mut roles = roles.cloned().unwrap_or_default();
    roles.sort();
    roles.into()
}

/// How the password is hashed: the hash itself stays here.
fn algorithm(item: &Item) -> Value {
    let stored = item.get("password_hash").and_then(|hash| hash.as_s().ok());
    stored
        .map(
            |stored| match Stored::parse(&Secret::from(stored.as_str())) {
                Ok(stored) => stored.algorithm(),
                Err(_) => "unreadable",
            },
        )
        .into()
}
