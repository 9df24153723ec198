//! The commands that change nothing.

use password::{Secret, Stored};
use serde_json::Value;
use shared::clock::Timestamp;
use shared::dynamodb::{self, Item, get_flag, get_map, get_number, get_text};
use shared::users::{Due, UsernameKey};

use crate::Error;
use crate::access::Session;
use crate::console::Record;
use crate::suppression;

/// An account without its hashes, and whether SES suppresses its address.
pub(crate) async fn show(session: &Session<'_>, username: &str) -> Result<Record, Error> {
    let key = UsernameKey::new(username);
    let item = session
        .clients()?
        .dynamodb
        .get_item()
        .table_name(session.users_table()?)
        .key("username", dynamodb::text(key.as_str()))
        .consistent_read(true)
        .send()
        .await
        .map_err(Error::unavailable)?
        .item
        .ok_or_else(|| Error::no_account(username))?;
    let suppression = match get_text(&item, "email") {
        Some(email) => suppression::find(session, email).await?,
        None => Ok(None),
    };
    let unknown = suppression.as_ref().err().cloned();
    let suppression = suppression.ok().flatten();
    let suppressed_at = suppression.as_ref().map(|found| found.since.rfc3339());
    let empty = Item::new();
    let map = |name| get_map(&item, name).unwrap_or(&empty);
    Ok(Record::new([
        ("username", text(&item, "username")),
        ("display_username", text(&item, "display_username")),
        ("id", number(&item, "id")),
        ("display_name", text(&item, "display_name")),
        ("email", text(&item, "email")),
        ("email_failed_at", time(&item, "email_failed_at")),
        ("suppressed_at", suppressed_at.into()),
        (
            "suppressed_for",
            suppression.map(|found| found.reason).into(),
        ),
        ("suppression_unknown", unknown.into()),
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
        .expression_attribute_values(":username", dynamodb::text(key.as_str()))
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

/// The resets whose mail is not accepted yet, the longest waiting first. Those that the sweep cannot
/// read are among them; those that were finished since the index was read are not.
pub(crate) async fn pending(session: &Session<'_>) -> Result<Vec<Record>, Error> {
    let users = session.users()?;
    let mut records = Vec::new();
    for queued in users.queued(ALWAYS, usize::MAX).await? {
        let reset = match users.due(&queued.username, ALWAYS).await? {
            Due::No => continue,
            Due::Unreadable => None,
            Due::Yes(_, reset) => Some(reset),
        };
        let attempts = reset.as_ref().map(|reset| reset.attempts);
        records.push(Record::new([
            ("username", queued.username.as_str().into()),
            ("attempts", attempts.into()),
            ("next_attempt_at", queued.due_at.rfc3339().into()),
            ("readable", reset.is_some().into()),
            ("request_id", reset.map(|reset| reset.request_id).into()),
        ]));
    }
    Ok(records)
}

/// By then everything is due.
const ALWAYS: Timestamp = Timestamp(u64::MAX);

pub(crate) fn text(item: &Item, name: &str) -> Value {
    get_text(item, name).into()
}

fn number(item: &Item, name: &str) -> Value {
    get_number(item, name).into()
}

fn time(item: &Item, name: &str) -> Value {
    let time = get_number(item, name).map(|at| Timestamp(at).rfc3339());
    time.into()
}

fn flag(item: &Item, name: &str) -> Value {
    get_flag(item, name).into()
}

fn roles(item: &Item) -> Value {
    let roles = item.get("roles").and_then(|roles| roles.as_ss().ok());
    let mut roles = roles.cloned().unwrap_or_default();
    roles.sort();
    roles.into()
}

/// How the password is hashed: the hash itself stays here.
fn algorithm(item: &Item) -> Value {
    let stored = get_text(item, "password_hash");
    let algorithm = stored.map(|stored| match Stored::parse(&Secret::from(stored)) {
        Ok(stored) => stored.algorithm(),
        Err(_) => "unreadable",
    });
    algorithm.into()
}
