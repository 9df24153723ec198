//! `pending`: resets that are not finished, those included that no sweep can finish.

use std::ops::ControlFlow;

use serde_json::Value;
use shared::clock::Timestamp;
use shared::dynamodb::{Item, get_number};
use shared::users::{PendingState, RESET_ATTRIBUTES, pending_state};

use crate::access::Session;
use crate::console::Record;
use crate::fields::{text, time};
use crate::table::Scan;
use crate::{Console, Error};

/// Attributes without which an account cannot be reset, and those of a reset.
const ATTRIBUTES: [&str; 5] = [
    "id",
    "reset_superseded",
    RESET_ATTRIBUTES[0],
    RESET_ATTRIBUTES[1],
    RESET_ATTRIBUTES[2],
];

/// Prints all pending resets, the longest waiting first. Reads the table: the index lacks those that
/// are stranded.
pub(crate) async fn pending(session: &Session<'_>, console: &mut Console) -> Result<(), Error> {
    let scan = Scan {
        attributes: &ATTRIBUTES,
        after: None,
        progress: console.progress(None, "reading"),
    };
    let mut found = Vec::new();
    let visit = |item: Item| {
        if let Some(state) = pending_state(&item) {
            let due_at = get_number(&item, "reset_due_at").unwrap_or_default();
            found.push((due_at, record(&item, state)));
        }
        ControlFlow::Continue(())
    };
    scan.visit(session, visit).await?;
    found.sort_by_key(|(due_at, _)| *due_at);
    let records: Vec<_> = found.into_iter().map(|(_, record)| record).collect();
    Ok(console.rows(&records)?)
}

fn record(item: &Item, state: PendingState) -> Record {
    let (state, reset) = match state {
        PendingState::Queued(reset) if reset.is_superseded => ("superseded", Some(reset)),
        PendingState::Queued(reset) => ("waiting", Some(reset)),
        PendingState::Unreadable => ("unreadable", None),
        PendingState::Stranded => ("stranded", None),
    };
    let requested_at = reset.as_ref().and_then(|reset| reset.requested_at);
    let requested_at = requested_at.map(Timestamp::rfc3339);
    Record::new([
        ("username", text(item, "username")),
        ("state", state.into()),
        (
            "attempts",
            reset.as_ref().map(|reset| reset.attempts).into(),
        ),
        ("requested_at", requested_at.into()),
        ("next_attempt_at", time(item, "reset_due_at")),
        (
            "request_id",
            reset.map_or(Value::Null, |reset| reset.request_id.into()),
        ),
    ])
}
