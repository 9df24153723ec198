//! The commands that change nothing.

use password::{Secret, Stored};
use serde_json::Value;
use shared::clock::Timestamp;
use shared::dynamodb::{self, Item, get_flag, get_map, get_number, get_text};
use shared::users::{RESET_QUEUE, UsernameKey};

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
        .ok_or_else(|| Error::Unknown(username.to_owned()))?;
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

/// The resets whose mail is not accepted yet, the longest waiting first. Resets that were finished
/// since the index was read are left out.
pub(crate) async fn pending(session: &Session<'_>) -> Result<Vec<Record>, Error> {
    let users = session.users()?;
    let mut records = Vec::new();
    for (username, due_at) in queue(session).await? {
        let account = users.find(&username).await?;
        let Some(reset) = account.and_then(|account| account.reset) else {
            continue;
        };
        records.push(Record::new([
            ("username", username.as_str().into()),
            ("attempts", reset.attempts.into()),
            ("next_attempt_at", due_at.rfc3339().into()),
            ("request_id", reset.request_id.into()),
        ]));
    }
    Ok(records)
}

/// The queue of pending resets, with the time of the next attempt.
async fn queue(session: &Session<'_>) -> Result<Vec<(UsernameKey, Timestamp)>, Error> {
    let pages = session
        .clients()?
        .dynamodb
        .query()
        .table_name(session.users_table()?)
        .index_name("pending-reset-index")
        .key_condition_expression("reset_queue = :queue")
        .expression_attribute_values(":queue", dynamodb::text(RESET_QUEUE))
        .into_paginator()
        .items()
        .send();
    let keys: Vec<Item> = pages.try_collect().await.map_err(Error::unavailable)?;
    let pending = keys.iter().filter_map(|key| {
        let username = UsernameKey::stored(get_text(key, "username")?.to_owned());
        Some((username, Timestamp(get_number(key, "reset_due_at")?)))
    });
    Ok(pending.collect())
}

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
