//! How a password changes, one conditional step at a time. Every step is a [`Change`]: whatever
//! crashes between two of them, some password known to the user verifies.
//!
//! reserve → (mail) → promote, or retry → (mail) → promote by the sweep, or abandon in the end. A
//! mail that SES refuses is postponed; after an outage the sweep retries when the reservation is over.
//! Where an administrator set a password before the promotion: (mail that says so) → clear. A reset
//! that cannot be read is dequeued.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::change::{Change, Condition};
use super::item::{MAX_ID, SUPERSEDED};
use super::key::UsernameKey;
use super::queue;
use crate::clock::Timestamp;
use crate::dynamodb::{number, secret, text};
use password::Secret;

/// What a mailed password leaves in an account until another one is chosen.
pub(super) const MAILED: [&str; 3] = ["temporary", "must_change_password", "password_expires_at"];
/// What a reset that is under way puts into an account.
pub(super) const UNDER_WAY: [&str; 4] = ["reset", "reset_queue", "reset_due_at", SUPERSEDED];

/// A new password that waits for its mail: the old one keeps working.
#[derive(Debug, Clone)]
pub struct Pending<'a> {
    /// The account.
    pub username: &'a UsernameKey,
    /// The PHC string of the new password.
    pub hash: &'a Secret,
    /// The request that made it.
    pub request_id: &'a str,
    /// How many mails of this reset SES has refused.
    pub attempts: u64,
    /// When the reset was asked for.
    pub requested_at: Timestamp,
    /// Until then no other request may replace it.
    pub expires_at: Timestamp,
    /// From then on the sweep makes another one.
    pub due_at: Timestamp,
    /// Whether an operator asked for it: then it takes the old password's place in either mode.
    pub by_operator: bool,
}

/// The next attempt at a reset whose mail SES refused.
#[derive(Debug, Clone, Copy)]
pub struct Postponement<'a> {
    /// The request whose mail it was.
    pub request_id: &'a str,
    /// How many mails of this reset SES has refused.
    pub attempts: u64,
    /// From then on the sweep makes another password.
    pub due_at: Timestamp,
}

/// A mailed password that becomes valid.
#[derive(Debug, Clone)]
pub struct Promotion<'a> {
    /// The PHC string, as it was reserved.
    pub hash: &'a Secret,
    /// The request that reserved it.
    pub request_id: &'a str,
    /// Now.
    pub at: Timestamp,
    /// From when on it is no longer accepted.
    pub password_expires_at: Timestamp,
}

/// Whether a mailed password takes the old one's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetMode {
    /// At once, as the retired service did.
    #[default]
    Replace,
    /// When it is first used: a stranger who asks for a reset locks nobody out.
    Dual,
}

/// The account may be reset: it exists, is not disabled, and has an address.
fn is_eligible() -> [Condition; 4] {
    [
        Condition::Exists("username"),
        // Without a number the sweep could not read the account.
        Condition::AtMost("id", MAX_ID),
        Condition::Exists("email"),
        Condition::Any(vec![
            Condition::Missing("disabled"),
            Condition::Equals("disabled", AttributeValue::Bool(false)),
        ]),
    ]
}

fn pending_change(pending: &Pending<'_>, condition: Condition) -> Change {
    let mut reset = HashMap::from([
        ("hash".to_owned(), secret(pending.hash)),
        ("request_id".to_owned(), text(pending.request_id)),
        ("expires_at".to_owned(), number(pending.expires_at.0)),
        ("attempts".to_owned(), number(pending.attempts)),
        ("requested_at".to_owned(), number(pending.requested_at.0)),
    ]);
    if pending.by_operator {
        reset.insert("by_operator".to_owned(), AttributeValue::Bool(true));
    }
    let eligible = Condition::All(is_eligible().to_vec());
    Change {
        condition: Condition::All(vec![eligible, condition]),
        set: vec![
            ("reset", AttributeValue::M(reset)),
            ("reset_queue", text(&queue::shard(pending.username))),
            ("reset_due_at", number(pending.due_at.0)),
        ],
        count: None,
        remove: vec![],
    }
}

/// Keeps a pending password beside the old one and puts the account into the queue, unless another
/// request is at it. The same request may do it again: the SDK repeats a call whose answer is lost.
#[must_use]
pub fn reserve(pending: &Pending<'_>, now: Timestamp) -> Change {
    let is_free = Condition::Any(vec![
        Condition::Missing("reset"),
        Condition::AtMost("reset.expires_at", now.0),
        Condition::Equals("reset.request_id", text(pending.request_id)),
    ]);
    Change {
        remove: vec![SUPERSEDED],
        ..pending_change(pending, is_free)
    }
}

/// Replaces the pending password of a request that did not get its mail accepted.
#[must_use]
pub fn retry(pending: &Pending<'_>, failed_request_id: &str, now: Timestamp) -> Change {
    let is_still_failed = Condition::All(vec![
        Condition::Equals("reset.request_id", text(failed_request_id)),
        Condition::AtMost("reset.expires_at", now.0),
    ]);
    let is_done_already = Condition::Equals("reset.request_id", text(pending.request_id));
    pending_change(
        pending,
        Condition::Any(vec![is_still_failed, is_done_already]),
    )
}

/// Puts the next attempt off after a refusal. What the reservation holds stays as it is.
#[must_use]
pub fn postpone(postponement: &Postponement<'_>) -> Change {
    Change {
        condition: Condition::Equals("reset.request_id", text(postponement.request_id)),
        set: vec![
            ("reset.attempts", number(postponement.attempts)),
            ("reset_due_at", number(postponement.due_at.0)),
        ],
        count: None,
        remove: vec![],
    }
}

/// Makes the mailed password of this request valid: in place of the old one, or beside it.
#[must_use]
pub fn promote(promotion: &Promotion<'_>, mode: ResetMode) -> Change {
    let condition = Condition::All(vec![
        Condition::Equals("reset.request_id", text(promotion.request_id)),
        // A sweep that Lambda repeats has the id of the one before.
        Condition::Equals("reset.hash", secret(promotion.hash)),
        Condition::Missing(SUPERSEDED),
    ]);
    let done = vec!["reset", "reset_queue", "reset_due_at"];
    match mode {
        ResetMode::Replace => {
            let mut remove = done;
            remove.push("temporary");
            Change {
                condition,
                set: temporary_password(
                    secret(promotion.hash),
                    promotion.at,
                    promotion.password_expires_at,
                ),
                count: Some("version"),
                remove,
            }
        }
        ResetMode::Dual => {
            let temporary = HashMap::from([
                ("hash".to_owned(), secret(promotion.hash)),
                (
                    "expires_at".to_owned(),
                    number(promotion.password_expires_at.0),
                ),
                ("request_id".to_owned(), text(promotion.request_id)),
            ]);
            Change {
                condition,
                set: vec![("temporary", AttributeValue::M(temporary))],
                count: None,
                remove: done,
            }
        }
    }
}

/// The first use of a password that was kept beside the old one: it takes its place.
#[must_use]
pub fn use_temporary(hash: &Secret, expires_at: Timestamp, now: Timestamp) -> Change {
    Change {
        condition: Condition::Equals("temporary.hash", secret(hash)),
        set: temporary_password(secret(hash), now, expires_at),
        count: Some("version"),
        remove: vec!["temporary"],
    }
}

fn temporary_password(
    hash: AttributeValue,
    now: Timestamp,
    expires_at: Timestamp,
) -> Vec<(&'static str, AttributeValue)> {
    vec![
        ("password_hash", hash),
        ("password_changed_at", number(now.0)),
        ("sessions_valid_after", number(now.0)),
        ("must_change_password", AttributeValue::Bool(true)),
        ("password_expires_at", number(expires_at.0)),
    ]
}

/// Withdraws a password that is kept beside the old one: its mail did not arrive.
#[must_use]
pub fn withdraw(request_id: &str) -> Change {
    Change {
        condition: Condition::Equals("temporary.request_id", text(request_id)),
        set: vec![],
        count: None,
        remove: vec!["temporary"],
    }
}

/// Marks the address on file as one that mail does not reach, or is not wanted at.
#[must_use]
pub fn mark_address(email: &str, now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Exists("username"),
            Condition::Equals("email", text(email)),
        ]),
        set: vec![("email_failed_at", number(now.0))],
        count: None,
        remove: vec![],
    }
}

/// Gives a reset up: its mail was never accepted. The old password is the one that works.
#[must_use]
pub fn abandon(failed_request_id: &str, now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Equals("reset.request_id", text(failed_request_id)),
            Condition::AtMost("reset.expires_at", now.0),
        ]),
        set: vec![],
        count: None,
        remove: UNDER_WAY.to_vec(),
    }
}

/// Takes a reset that cannot be read out of the queue. Nothing happens to one that was reserved
/// since it was read: that one is due later.
#[must_use]
pub fn dequeue(now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Exists("reset_queue"),
            Condition::AtMost("reset_due_at", now.0),
        ]),
        set: vec![],
        count: None,
        remove: UNDER_WAY.to_vec(),
    }
}

/// Ends a reset that another password came before: its user knows by mail that the mailed one does
/// not work.
#[must_use]
pub fn clear_superseded(request_id: &str) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Equals("reset.request_id", text(request_id)),
            Condition::Exists(SUPERSEDED),
        ]),
        set: vec![],
        count: None,
        remove: UNDER_WAY.to_vec(),
    }
}

/// Sets the password an administrator chose, unless the account is gone or has another address now.
/// What was mailed before does not open it any more. A reset under way stays in the queue until the
/// user knows that.
#[must_use]
pub fn set_password(hash: &Secret, email: &str, now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Exists("username"),
            Condition::Equals("email", text(email)),
        ]),
        set: vec![
            ("password_hash", secret(hash)),
            ("password_changed_at", number(now.0)),
            ("sessions_valid_after", number(now.0)),
            (SUPERSEDED, AttributeValue::Bool(true)),
        ],
        count: Some("version"),
        remove: MAILED.to_vec(),
    }
}

/// Replaces the hash of an unchanged password by one with today's parameters.
#[must_use]
pub fn rehash(old: &Secret, new: &Secret) -> Change {
    Change {
        condition: Condition::Equals("password_hash", secret(old)),
        set: vec![("password_hash", secret(new))],
        count: None,
        remove: vec![],
    }
}
