//! The audit trail: who changed which account, when, from where, and how it ended.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use crate::clock::Timestamp;
use crate::dynamodb::{Item, StoreError, number, text};
use crate::metrics::{self, Metric};

const SECONDS_PER_DAY: u64 = 86_400;

/// The Audit table: key `username`, sort key `at`, rows expire at `expires_at`.
#[derive(Debug, Clone)]
pub struct Audit {
    client: Client,
    table: String,
    days: u64,
}

/// The contents of a row. They include no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key of the account concerned, or `brand#` and the key of a brand.
    pub username: &'a str,
    /// The time of the event.
    pub at: Timestamp,
    /// The name of the event, for example `password.reset`. Names do not change.
    pub event: &'static str,
    /// The id of the request that caused it, as in the logs.
    pub request_id: &'a str,
    /// The caller's IP address as the front door or, without one, the gateway saw it. For an event
    /// without a caller, what caused it, for example `sweep`, `ses` or `accounts`.
    pub source: &'a str,
    /// The account that is logged in, or the ARN of an operator's credentials. `None` for an
    /// anonymous request.
    pub actor: Option<&'a str>,
    /// The person on whose behalf the caller acts, as the caller stated it. In rows of `accounts`,
    /// the name that the operator gave.
    pub requester: Option<&'a str>,
    /// Details that the event's name leaves open: the role, or the names of attributes.
    pub detail: Option<&'a str>,
}

impl fmt::Debug for Entry<'_> {
    /// Omits names, which must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("event", &self.event)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

/// A row of the trail, written in the same transaction as the change it records.
#[derive(Clone)]
pub struct Row {
    table: String,
    item: Item,
}

impl fmt::Debug for Row {
    /// Leaves out names, like [`Entry`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row(..)")
    }
}

impl Row {
    /// Returns the row as one write of a transaction.
    pub fn write(&self) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table);
        let put = put.set_item(Some(self.item.clone())).build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

impl Audit {
    /// Uses the table with this name. Rows expire after `days`.
    #[must_use]
    pub fn new(client: Client, table: String, days: u64) -> Self {
        Self {
            client,
            table,
            days,
        }
    }

    /// Writes a row that is not part of a change: the row of a refused attempt, or of a report
    /// about an email. A failure to write it is logged and counted.
    pub async fn record(&self, entry: &Entry<'_>) {
        let Row { table, item } = self.row(entry);
        let request = self.client.put_item().table_name(table);
        if let Err(error) = request.set_item(Some(item)).send().await {
            let (request_id, error): (_, &dyn std::error::Error) = (entry.request_id, &error);
            metrics::count(Metric::Failures);
            tracing::error!(%request_id, error, event = "audit.failed", "audit row not written");
        }
    }

    /// Makes the row of an entry. A request may write several rows. Writing the same row twice has
    /// no further effect.
    #[must_use]
    pub fn row(&self, entry: &Entry<'_>) -> Row {
        let lifetime = self.days.saturating_mul(SECONDS_PER_DAY);
        let attributes = [
            ("username", Some(text(entry.username))),
            ("at", Some(text(&sort_key(entry)))),
            ("event", Some(text(entry.event))),
            ("request_id", Some(text(entry.request_id))),
            ("source", Some(text(entry.source))),
            ("actor", entry.actor.map(text)),
            ("requester", entry.requester.map(text)),
            ("detail", entry.detail.map(text)),
            (
                "expires_at",
                Some(number(entry.at.plus_seconds(lifetime).0)),
            ),
        ];
        let attributes = attributes.into_iter();
        let item = attributes.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Row {
            table: self.table.clone(),
            item: item.collect(),
        }
    }
}

fn sort_key(entry: &Entry<'_>) -> String {
    let (at, request_id, event) = (entry.at.rfc3339(), entry.request_id, entry.event);
    format!("{at}#{request_id}#{event}")
}
