//! The steps in which a password changes, each a conditional [`Change`] of one item. Even if the
//! process crashes between two steps, the user knows a password that is valid.
//!
//! A request runs [`reserve`], sends the email, and runs [`promote`]. If SES refuses the email, the
//! request runs [`postpone`]. The sweep later runs [`retry`], sends another email, and runs
//! [`promote`] or, after too many attempts, [`abandon`]. After an outage, the sweep retries when
//! the reservation has expired. If another password was set before the promotion, an email says so
//! and [`clear_superseded`] ends the reset. [`dequeue`] removes a reset that cannot be read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::change::{Change, Condition};
use super::item::{MAX_ID, Operator, SUPERSEDED};
use super::key::UsernameKey;
use super::queue;
use crate::clock::Timestamp;
use crate::dynamodb::{number, secret, text};
use password::Secret;

/// The attributes of a mailed password, which exist until the user chooses another one.
pub(super) const MAILED_PASSWORD: [&str; 3] =
    ["temporary", "must_change_password", "password_expires_at"];
/// The attributes of a pending reset, and the mark of a superseded one.
pub(super) const PENDING_RESET: [&str; 4] = ["reset", "reset_queue", "reset_due_at", SUPERSEDED];

/// A new password whose email SES has not accepted yet. The old one stays valid.
#[derive(Debug, Clone)]
pub struct Pending<'a> {
    /// The key of the account.
    pub username: &'a UsernameKey,
    /// The PHC string of the new password.
    pub hash: &'a Secret,
    /// The id of the request that generated the password.
    pub request_id: &'a str,
    /// The number of emails of this reset that SES has refused.
    pub attempts: u64,
    /// The time of the request.
    pub requested_at: Timestamp,
    /// The end of the reservation. Until then, no other request may replace the password.
    pub expires_at: Timestamp,
    /// The time from which the sweep makes another password.
    pub due_at: Timestamp,
    /// The operator who requested the reset, if one did. The new password then replaces the old one
    /// in either mode, unless mail to the address has failed.
    pub operator: Option<&'a Operator>,
}

/// The next attempt at a reset whose email SES refused.
#[derive(Debug, Clone, Copy)]
pub struct Postponement<'a> {
    /// The id of the request that sent the email.
    pub request_id: &'a str,
    /// The number of emails of this reset that SES has refused.
    pub attempts: u64,
    /// The time from which the sweep makes another password.
    pub due_at: Timestamp,
}

/// A mailed password that becomes valid.
#[derive(Debug, Clone)]
pub struct Promotion<'a> {
    /// The PHC string that was reserved.
    pub hash: &'a Secret,
    /// The id of the request that reserved it.
    pub request_id: &'a str,
    /// The time of the promotion.
    pub at: Timestamp,
    /// The time at which the password expires.
    pub password_expires_at: Timestamp,
}

/// The moment at which a mailed password replaces the old one (`RESET_MODE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetMode {
    /// The moment at which SES accepts the email, as in the old service.
    #[default]
    Replace,
    /// The first use of the mailed password, so that a stranger who requests a reset locks nobody
    /// out.
    Dual,
}

/// The condition that the account's address is `email`, or that it has none.
pub(super) fn has_address(email: Option<&str>) -> Condition {
    match email {
        Some(email) => Condition::Equals("email", text(email)),
        None => Condition::Missing("email"),
    }
}

/// The conditions for a reset: the account exists, is not disabled, has an address, and has a
/// version that [`promote`] can increment.
fn is_eligible() -> [Condition; 5] {
    [
        Condition::Exists("username"),
        // Without a customer number, the sweep could not read the account.
        Condition::AtMost("id", MAX_ID),
        Condition::Exists("email"),
        Condition::Any(vec![
            Condition::Missing("version"),
            Condition::AtMost("version", u64::MAX),
        ]),
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
    if let Some(Operator { actor, requester }) = pending.operator {
        reset.insert("by_operator".to_owned(), AttributeValue::Bool(true));
        let names = [("actor", actor), ("requester", requester)];
        let known = names.map(|(name, value)| Some((name.to_owned(), text(value.as_deref()?))));
        reset.extend(known.into_iter().flatten());
    }
    let eligible = Condition::All(is_eligible().to_vec());
    Change {
        condition: Condition::All(vec![eligible, condition]),
        set: vec![
            ("reset", AttributeValue::M(reset)),
            ("reset_queue", text(&queue::shard(pending.username))),
            ("reset_due_at", number(pending.due_at.0)),
        ],
        increment: None,
        remove: vec![],
    }
}

/// Stores a pending password next to the old one and queues the account, unless another request
/// holds a reservation. It is idempotent for one request, since the SDK repeats a call if its
/// answer is lost.
#[must_use]
pub fn reserve(pending: &Pending<'_>, now: Timestamp) -> Change {
    let is_free = Condition::Any(vec![
        // Also holds for a malformed reset, which would otherwise prevent every later one.
        Condition::Missing("reset.expires_at"),
        Condition::AtMost("reset.expires_at", now.0),
        Condition::Equals("reset.request_id", text(pending.request_id)),
    ]);
    Change {
        remove: vec![SUPERSEDED],
        ..pending_change(pending, is_free)
    }
}

/// Replaces the pending password of a request whose email was not accepted, if its reservation has
/// expired. It is idempotent for one request.
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

/// Postpones the next attempt after SES has refused an email. The reservation does not change.
#[must_use]
pub fn postpone(postponement: &Postponement<'_>) -> Change {
    Change {
        condition: Condition::Equals("reset.request_id", text(postponement.request_id)),
        set: vec![
            ("reset.attempts", number(postponement.attempts)),
            ("reset_due_at", number(postponement.due_at.0)),
        ],
        increment: None,
        remove: vec![],
    }
}

/// Makes the mailed password of a request valid: instead of the old one in [`ResetMode::Replace`],
/// in addition to it in [`ResetMode::Dual`].
#[must_use]
pub fn promote(promotion: &Promotion<'_>, mode: ResetMode) -> Change {
    let condition = Condition::All(vec![
        Condition::Equals("reset.request_id", text(promotion.request_id)),
        // A sweep that Lambda repeats has the same request id, but a different password.
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
                increment: Some("version"),
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
                increment: None,
                remove: done,
            }
        }
    }
}

/// Replaces the old password with the temporary one at its first use.
#[must_use]
pub fn use_temporary(hash: &Secret, expires_at: Timestamp, now: Timestamp) -> Change {
    Change {
        condition: Condition::Equals("temporary.hash", secret(hash)),
        set: temporary_password(secret(hash), now, expires_at),
        increment: Some("version"),
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

/// Removes the temporary password of a request whose email did not arrive.
#[must_use]
pub fn withdraw(request_id: &str) -> Change {
    Change {
        condition: Condition::Equals("temporary.request_id", text(request_id)),
        set: vec![],
        increment: None,
        remove: vec!["temporary"],
    }
}

/// Marks the account's address after a permanent bounce or a complaint, unless the account has a
/// different address now.
#[must_use]
pub fn mark_address(email: &str, now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Exists("username"),
            Condition::Equals("email", text(email)),
        ]),
        set: vec![("email_failed_at", number(now.0))],
        increment: None,
        remove: vec![],
    }
}

/// Abandons a reset whose email was never accepted. The old password stays valid.
#[must_use]
pub fn abandon(failed_request_id: &str, now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Equals("reset.request_id", text(failed_request_id)),
            Condition::AtMost("reset.expires_at", now.0),
        ]),
        set: vec![],
        increment: None,
        remove: PENDING_RESET.to_vec(),
    }
}

/// Removes an unreadable reset from the queue, unless a request has reserved another one since,
/// which is due later.
#[must_use]
pub fn dequeue(now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Exists("reset_queue"),
            Condition::AtMost("reset_due_at", now.0),
        ]),
        set: vec![],
        increment: None,
        remove: PENDING_RESET.to_vec(),
    }
}

/// Ends a superseded reset, after an email has told the user that the mailed password does not
/// work.
#[must_use]
pub fn clear_superseded(request_id: &str) -> Change {
    Change {
        condition: Condition::All(vec![
            Condition::Equals("reset.request_id", text(request_id)),
            Condition::Exists(SUPERSEDED),
        ]),
        set: vec![],
        increment: None,
        remove: PENDING_RESET.to_vec(),
    }
}

/// Sets a password that an administrator or operator chose, and ends the sessions, unless the
/// account is gone or has a different address now. Passwords that were mailed earlier become
/// invalid. A pending reset stays in the queue until its user is told.
#[must_use]
pub fn set_password(hash: &Secret, email: Option<&str>, now: Timestamp) -> Change {
    Change {
        condition: Condition::All(vec![Condition::Exists("username"), has_address(email)]),
        set: vec![
            ("password_hash", secret(hash)),
            ("password_changed_at", number(now.0)),
            ("sessions_valid_after", number(now.0)),
            (SUPERSEDED, AttributeValue::Bool(true)),
        ],
        increment: Some("version"),
        remove: MAILED_PASSWORD.to_vec(),
    }
}

/// Replaces the hash of an unchanged password with one with current parameters.
#[must_use]
pub fn rehash(old: &Secret, new: &Secret) -> Change {
    Change {
        condition: Condition::Equals("password_hash", secret(old)),
        set: vec![("password_hash", secret(new))],
        increment: None,
        remove: vec![],
    }
}
