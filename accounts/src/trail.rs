//! `audit`: what happened, by account, actor, event and time.

use std::collections::BTreeSet;

use clap::Args;
use indicatif::ProgressBar;
use shared::clock::Timestamp;
use shared::dynamodb::{self, Item, get_text};
use shared::users::UsernameKey;

use crate::access::Session;
use crate::console::Record;
use crate::fields::text;
use crate::near::near;
use crate::time_argument;
use crate::{Console, Error};

/// List what happened, oldest first
///
/// Without a user name, reads the Audit table as a whole.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name, or `brand#KEY` for a brand; else all
    user: Option<String>,
    /// Rows of this actor: a user name, or the ARN of an operator, or a part of it
    #[arg(long)]
    actor: Option<String>,
    /// Rows of this event, or of all that begin so, for instance `password.`
    #[arg(long)]
    event: Option<String>,
    /// Rows of this time or later: a date, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    since: Option<Timestamp>,
    /// Rows of before this time: a date, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    until: Option<Timestamp>,
}

/// Prints the rows that pass all filters.
pub(crate) async fn audit(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<(), Error> {
    let progress = console.progress(None, "reading");
    let rows = match &arguments.user {
        Some(user) => of_account(session, &UsernameKey::new(user)).await?,
        None => all(session, arguments, &progress).await?,
    };
    progress.finish_and_clear();
    let mut found: Vec<_> = rows.iter().filter(|row| arguments.pass(row)).collect();
    if found.is_empty() {
        arguments.check_event(&rows)?;
    }
    found.sort_by_key(|row| get_text(row, "at"));
    let records: Vec<_> = found.into_iter().map(record).collect();
    Ok(console.rows(&records)?)
}

/// The rows of an account, which may be gone itself.
pub(crate) async fn of_account(
    session: &Session<'_>,
    key: &UsernameKey,
) -> Result<Vec<Item>, Error> {
    let request = session.clients()?.dynamodb.query();
    let pages = request
        .table_name(session.audit_table()?)
        .key_condition_expression("username = :username")
        .expression_attribute_values(":username", dynamodb::text(key.as_str()))
        .into_paginator()
        .items();
    pages.send().try_collect().await.map_err(Error::unavailable)
}

/// The rows of all accounts that pass, and the first of each other event, for its name.
async fn all(
    session: &Session<'_>,
    arguments: &Arguments,
    progress: &ProgressBar,
) -> Result<Vec<Item>, Error> {
    let request = session.clients()?.dynamodb.scan();
    let request = request.table_name(session.audit_table()?);
    let mut items = request.into_paginator().items().send();
    let (mut rows, mut events) = (Vec::new(), BTreeSet::new());
    while let Some(row) = items.next().await {
        let row = row.map_err(Error::unavailable)?;
        progress.inc(1);
        let event = get_text(&row, "event").unwrap_or_default();
        if events.insert(event.to_owned()) || arguments.pass(&row) {
            rows.push(row);
        }
    }
    Ok(rows)
}

impl Arguments {
    fn pass(&self, row: &Item) -> bool {
        let value = |name| get_text(row, name).unwrap_or_default();
        let (at, actor, event) = (value("at"), value("actor"), value("event"));
        // RFC 3339 in UTC sorts as text.
        self.since.is_none_or(|since| *at >= *since.rfc3339())
            && self.until.is_none_or(|until| *at < *until.rfc3339())
            && self.actor.as_ref().is_none_or(|part| actor.contains(part))
            && self
                .event
                .as_ref()
                .is_none_or(|begin| event.starts_with(begin))
    }

    /// Refuses an event that no row has, if one of another name was probably meant.
    fn check_event(&self, rows: &[Item]) -> Result<(), Error> {
        let Some(event) = &self.event else {
            return Ok(());
        };
        let names: BTreeSet<_> = rows
            .iter()
            .filter_map(|row| get_text(row, "event"))
            .collect();
        let is_known = names.iter().any(|name| name.starts_with(event.as_str()));
        match near(event, names) {
            Some(near) if !is_known => Err(Error::NotFound(format!(
                "no row has the event {event}, but {near}"
            ))),
            _ => Ok(()),
        }
    }
}

fn record(row: &Item) -> Record {
    let at = get_text(row, "at").and_then(|at| at.split_once('#'));
    Record::new([
        ("at", at.map(|(at, _)| at).into()),
        ("username", text(row, "username")),
        ("event", text(row, "event")),
        ("detail", text(row, "detail")),
        ("actor", text(row, "actor")),
        ("requester", text(row, "requester")),
        ("source", text(row, "source")),
        ("request_id", text(row, "request_id")),
    ])
}
