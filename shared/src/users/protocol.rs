//! Steps by which a password changes, each a conditional [`Change`] of one item. Whatever crashes
//! between two steps, some password known to the user verifies.
//!
//! A request runs [`reserve`], mail, [`promote`]. If SES refuses the mail, [`postpone`]; the sweep
//! then runs [`retry`], mail, [`promote`], and [`abandon`] in the end. After an outage the sweep
//! retries when the reservation has expired. If another password was set before the promotion, a mail
//! says so and [`clear_superseded`] ends the reset. [`dequeue`] removes a reset that cannot be read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::change::{Change, Condition};
use super::item::{MAX_ID, SUPERSEDED};
use super::key::UsernameKey;
use super::queue;
use crate::clock::Timestamp;
use crate::dynamodb::{number, secret, text};
use password::Secret;

/// Attributes of a mailed password, until the user chooses another one.
pub(super) const MAILED: [&str; 3] = ["temporary", "must_change_password", "password_expires_at"];
/// Attributes of a reset under way.
pub(super) const UNDER_WAY: [&str; 4] = ["reset", "reset_queue", "reset_due_at", SUPERSEDED];

/// New password whose mail SES has not accepted yet; the old one keeps working.
#[derive(Debug, Clone)]
pub struct Pending<'a> {
    /// Key of the account.
    pub username: &'a UsernameKey,
    /// PHC string of the new password.
    pub hash: &'a Secret,
    /// Id of the request that made the password.
    pub request_id: &'a str,
    /// Number of mails of this reset that SES has refused.
    pub attempts: u64,
    /// Time of the request.
    pub requested_at: Timestamp,
    /// End of the reservation: until then no other request may replace the password.
    pub expires_at: Timestamp,
    /// Time from which the sweep makes another password.
    pub due_at: Timestamp,
    /// Whether an operator asked for the reset: then it replaces the old password in either mode.
    pub by_operator: bool,
}

/// Next attempt at a reset whose mail SES refused.
#[derive(Debug, Clone, Copy)]
pub struct Postponement<'a> {
    /// Id of the request that sent the mail.
    pub request_id: &'a str,
    /// Number of mails of this reset that SES has refused.
    pub attempts: u64,
    /// Time from which the sweep makes another password.
    pub due_at: Timestamp,
}

/// Mailed password that becomes valid.
#[derive(Debug, Clone)]
pub struct Promotion<'a> {
    /// PHC string, as it was reserved.
    pub hash: &'a Secret,
    /// Id of the request that reserved it.
    pub request_id: &'a str,
    /// Time of the promotion.
    pub at: Timestamp,
    /// Time from which the password is no longer accepted.
    pub password_expires_at: Timestamp,
}

/// Time at which a mailed password replaces the old one (`RESET_MODE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetMode {
    /// When SES accepts the mail, as in the retired service.
    #[default]
    Replace,
    /// When it is first used, so that a stranger who asks for a reset locks nobody out.
    Dual,
}

/// Condition that the address on file is `email`, or that there is none.
pub(super) fn has_address(email: Option<&str>) -> Condition {
    match email {
        Some(email) => Condition::Equals("email", text(email)),
        None => Condition::Missing("email"),
    }
}

/// Conditions for a reset: the account exists, is not disabled, and has an address.
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

/// Stores a pending password next to the old one and queues the account, unless another request holds
/// a reservation. Repeating it for the same request is safe: the SDK repeats a call whose answer is
/// lost.
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

/// Replaces the pending password of a request whose mail was not accepted, once its reservation has
/// expired.
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

/// Postpones the next attempt after SES refused a mail. The reservation stays as it is.
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

/// Makes the mailed password of a request valid: instead of the old one in [`ResetMode::Replace`], as
/// well as the old one in [`ResetMode::Dual`].
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

/// Replaces the old password by the temporary one at its first use.
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

/// Removes the temporary password of a request whose mail did not arrive.
#[must_use]
pub fn withdraw(request_id: &str) -> Change {
    Change {
        condition: Condition::Equals("temporary.request_id", text(request_id)),
        set: vec![],
        count: None,
        remove: vec!["temporary"],
    }
}

/// Marks the address on file after a permanent bounce or a complaint, unless the account has another
/// address now.
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

/// Abandons a reset whose mail was never accepted. The old password stays.
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

/// Removes a reset that cannot be read from the queue, unless a request has reserved one since: that one
/// is due later.
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

/// Ends a reset that another password has superseded, after a mail that says that the mailed one does
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

/// Sets a password that an administrator or operator chose and ends sessions, unless the account is
/// gone or has another address now. Passwords that were mailed before no longer work. A reset under way
/// stays in the queue until its user is told.
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
        count: Some("version"),
        remove: MAILED.to_vec(),
    }
}

/// Replaces the hash of the same password by one with current parameters.
#[must_use]
pub fn rehash(old: &Secret, new: &Secret) -> Change {
    Change {
        condition: Condition::Equals("password_hash", secret(old)),
        set: vec![("password_hash", secret(new))],
        count: None,
        remove: vec![],
    }
}
