//! `pending`: unfinished resets, including those that no sweep can finish.

use std::ops::ControlFlow;

use shared::dynamodb::{Item, get_map, get_number};
use shared::users::{PendingState, RESET_ATTRIBUTES, pending_state};

use crate::access::Session;
use crate::console::Record;
use crate::fields::{number, text, time};
use crate::table::Scan;
use crate::{Console, Error};

/// The attributes of a reset, and `id`, without which an account cannot be reset.
const ATTRIBUTES: [&str; 5] = [
    "id",
    "reset_superseded",
    RESET_ATTRIBUTES[0],
    RESET_ATTRIBUTES[1],
    RESET_ATTRIBUTES[2],
];

/// Prints all pending resets in the order of their next attempts. Reads the whole table, because
/// the index does not contain stranded resets.
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
    let state = match state {
        PendingState::Queued(reset) if reset.is_superseded => "superseded",
        PendingState::Queued(_) => "waiting",
        PendingState::Unreadable => "unreadable",
        PendingState::Stranded => "stranded",
    };
    // Prints as much of the reset as is readable.
    let nothing = Item::new();
    let reset = get_map(item, "reset").unwrap_or(&nothing);
    Record::new([
        ("username", text(item, "username")),
        ("state", state.into()),
        ("attempts", number(reset, "attempts")),
        ("requested_at", time(reset, "requested_at")),
        ("next_attempt_at", time(item, "reset_due_at")),
        ("request_id", text(reset, "request_id")),
    ])
}
