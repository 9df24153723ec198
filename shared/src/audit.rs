//! The audit trail: who changed which account, when, from where, and how it ended.

use std::fmt;

use aws_sdk_dynamodb::Client;
pub use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::Put;

use crate::attribute::{number, text};
use crate::clock::Timestamp;
use crate::metrics::{self, Metric};

const SECONDS_A_DAY: u64 = 86_400;

/// The Audit table: key `username`, sort key `at`, rows expire by `expires_at`.
#[derive(Debug, Clone)]
pub struct Audit {
    client: Client,
    table: String,
    days: u64,
}

/// One row. It holds no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key of the account it is about.
    pub username: &'a str,
    /// When.
    pub at: Timestamp,
    /// What: a stable name, for instance `password.reset`.
    pub event: &'static str,
    /// The request that did it, as in the logs.
    pub request_id: &'a str,
    /// Where the request came from, as the gateway saw it.
    pub source: &'a str,
    /// The account that asked for it, none for an anonymous request.
    pub actor: Option<&'a str>,
    /// On whose behalf, as the caller said.
    pub requester: Option<&'a str>,
    /// What of it, for an event that does not say all: the role, the names of attributes.
    pub detail: Option<&'a str>,
}

impl fmt::Debug for Entry<'_> {
    /// Without names: they reach no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("event", &self.event)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Audit {
    /// The table of this name, whose rows live for `days`.
    #[must_use]
    pub fn new(client: Client, table: String, days: u64) -> Self {
        Self {
            client,
            table,
            days,
        }
    }

    /// Writes the row of an attempt that changed nothing. That it could not be written is logged:
    /// the refusal stands either way.
    pub async fn record(&self, entry: &Entry<'_>) {
        let row = self.put(entry).map(|put| put.item().clone());
        let written = match row {
            Ok(row) => {
                let request = self.client.put_item().table_name(&self.table);
                let result = request.set_item(Some(row)).send().await;
                result.map(|_| ()).map_err(Box::from)
            }
            Err(error) => Err(Box::<dyn std::error::Error + Send + Sync>::from(error)),
        };
        if let Err(error) = written {
            let (request_id, error): (_, &dyn std::error::Error) = (entry.request_id, &*error);
            metrics::count(Metric::Failures);
            tracing::error!(%request_id, error, event = "audit.failed", "no audit row");
        }
    }

    /// The row as part of a transaction, so that no change is without one. One request may leave
    /// several, and a repeated one leaves the same again.
    pub fn put(&self, entry: &Entry<'_>) -> Result<Put, BuildError> {
        let expires_at = entry
            .at
            .plus_seconds(self.days.saturating_mul(SECONDS_A_DAY));
        let put = Put::builder()
            .table_name(&self.table)
            .item("username", text(entry.username))
            .item("at", text(&sort_key(entry)))
            .item("event", text(entry.event))
            .item("request_id", text(entry.request_id))
            .item("source", text(entry.source))
            .item("expires_at", number(expires_at.0));
        let optional = [
            ("actor", entry.actor),
            ("requester", entry.requester),
            ("detail", entry.detail),
        ];
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .fold(put, |put, (name, value)| put.item(name, text(value)))
            .build()
    }
}

fn sort_key(entry: &Entry<'_>) -> String {
    let (at, request_id, event) = (entry.at.rfc3339(), entry.request_id, entry.event);
    format!("{at}#{request_id}#{event}")
}
