//! `audit`: searches the audit trail by account, actor, event and time.

use clap::Args;
use indicatif::ProgressBar;
use shared::clock::Timestamp;
use shared::dynamodb::{self, Item, get_text};
use shared::users::UsernameKey;

use crate::access::Session;
use crate::console::Record;
use crate::fields::text;
use crate::suggestion::suggest;
use crate::{Console, Error, brand_table, similar, table, time_argument};

/// The prefix of the keys of brands.
const BRAND: &str = "brand#";

/// The events of audit rows, grouped by kind.
const EVENTS: [&str; 26] = [
    "password.reset",
    "password.reset_abandoned",
    "password.reset_unreadable",
    "password.temporary_used",
    "password.temporary_withdrawn",
    "password.set",
    "password.expired",
    "mail.bounced",
    "mail.soft_bounced",
    "mail.complained",
    "mail.rejected",
    "mail.delayed",
    "account.added",
    "account.imported",
    "account.key_changed",
    "account.disabled",
    "account.enabled",
    "account.email_set",
    "account.changed",
    "account.sessions_ended",
    "account.deleted",
    "role.granted",
    "role.revoked",
    "brand.set",
    "brand.removed",
    "access.denied",
];

/// Show the audit trail, oldest rows first
///
/// Without a user name, reads the whole Audit table.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The user name, or `brand#KEY` for a brand; by default, all accounts and brands
    user: Option<String>,
    /// Only rows whose actor contains this text. An actor is the user name of an account, or an
    /// operator's ARN or unverified name
    #[arg(long)]
    actor: Option<String>,
    /// Only rows of this event, or of events that begin with this text, for instance `password.`
    #[arg(long)]
    event: Option<String>,
    /// Only rows at or after this time (a date or an RFC 3339 timestamp)
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    since: Option<Timestamp>,
    /// Only rows before this time (a date or an RFC 3339 timestamp)
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    until: Option<Timestamp>,
}

/// Prints the rows that match all filters.
pub(crate) async fn audit(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<(), Error> {
    arguments.check_times()?;
    let progress = console.progress(None, "reading");
    let rows = match &arguments.user {
        Some(user) => of_account(session, &UsernameKey::new(user)).await?,
        None => all(session, arguments, &progress).await?,
    };
    progress.finish_and_clear();
    let mut found: Vec<_> = rows.iter().filter(|row| arguments.pass(row)).collect();
    if found.is_empty() {
        arguments.check_event()?;
    }
    if let (true, Some(user)) = (rows.is_empty(), &arguments.user) {
        check_user(session, user, console).await?;
    }
    found.sort_by_key(|row| get_text(row, "at"));
    let records: Vec<_> = found.into_iter().map(record).collect();
    Ok(console.rows(&records)?)
}

/// Reads the rows of an account, which may no longer exist.
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

/// Reads the matching rows of all accounts.
async fn all(
    session: &Session<'_>,
    arguments: &Arguments,
    progress: &ProgressBar,
) -> Result<Vec<Item>, Error> {
    let request = session.clients()?.dynamodb.scan();
    let request = request.table_name(session.audit_table()?);
    let mut items = request.into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(row) = items.next().await {
        let row = row.map_err(Error::unavailable)?;
        progress.inc(1);
        if arguments.pass(&row) {
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

    /// Refuses an unknown event. Call it only if no row matches, because later versions may write
    /// more events.
    fn check_event(&self) -> Result<(), Error> {
        let Some(event) = &self.event else {
            return Ok(());
        };
        if EVENTS.iter().any(|name| name.starts_with(event.as_str())) {
            return Ok(());
        }
        let hint = match suggest(event, EVENTS) {
            Some(suggestion) => format!("did you mean {suggestion}?"),
            None => format!("events begin with {}", kinds().join(", ")),
        };
        Err(Error::Usage(format!("unknown event {event}; {hint}")))
    }

    fn check_times(&self) -> Result<(), Error> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if until <= since => {
                let text = "--until must be later than --since";
                Err(Error::Usage(text.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the prefixes of events.
fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<_> = EVENTS
        .iter()
        .filter_map(|event| event.split_inclusive('.').next())
        .collect();
    kinds.dedup();
    kinds
}

/// Refuses a name that has no rows and belongs to no account or brand. Skips the check if the table
/// is not configured.
async fn check_user(session: &Session<'_>, user: &str, console: &Console) -> Result<(), Error> {
    let (table, is_brand) = match user.strip_prefix(BRAND) {
        Some(_) => ("BRANDS_TABLE", true),
        None => ("USERS_TABLE", false),
    };
    if session.settings.resolve(&[table]).await.is_err() {
        return Ok(());
    }
    let similar = if is_brand {
        let key = brand_table::key(user.trim_start_matches(BRAND))?;
        let rows = brand_table::table(session)?.all().await?;
        let keys: Vec<_> = rows
            .iter()
            .filter_map(|row| get_text(row, "brand"))
            .collect();
        if keys.contains(&key.as_str()) {
            return Ok(());
        }
        let suggestion = suggest(&key, keys);
        suggestion
            .map(|suggestion| format!("{BRAND}{suggestion}"))
            .into_iter()
            .collect()
    } else {
        let key = UsernameKey::new(user);
        if table::item(session, key.as_str()).await?.is_some() {
            return Ok(());
        }
        similar::usernames(session, user, console).await?
    };
    let text = format!("{user} not found, and it has no audit rows");
    Err(Error::NotFound(similar::with(text, &similar)))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn events_match_the_documentation() {
        let page = include_str!("../../docs/audit.md");
        let (_, rows) = page.split_once("| `event` | meaning |").unwrap();
        let (rows, _) = rows.split_once("\n\n").unwrap();
        let names = rows.lines().filter_map(|row| row.split(" | ").next());
        let names = names.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(EVENTS));
    }
}
