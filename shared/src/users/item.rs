//! Accounts, and reading them from items of the Users table.

use std::collections::BTreeSet;
use std::fmt;

use super::key::{NO_BRAND, UsernameKey};
use crate::clock::Timestamp;
use crate::dynamodb::{Item, get_flag, get_map, get_number, get_text};
use aws_sdk_dynamodb::types::AttributeValue;
use password::Secret;

/// The attribute that marks a reset as superseded: another password was set after it was requested,
/// so its mailed password must not become valid.
pub(super) const SUPERSEDED: &str = "reset_superseded";

/// The maximum customer number, which is a `long` of .NET in the old service's contract.
pub const MAX_ID: u64 = i64::MAX.unsigned_abs();

/// The role that allows setting the passwords of other accounts.
pub const ADMIN_ROLE: &str = "Admin";

/// The owner of an account and their contact data: the attributes that `email-index` projects.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// The key of the account.
    pub username: UsernameKey,
    /// The user name as it was entered.
    pub display_username: String,
    /// The customer number.
    pub id: u64,
    /// The email address. An account without one cannot be reset.
    pub email: Option<String>,
    /// The name of the person.
    pub display_name: String,
    /// The brand. If read from the table, it is a key.
    pub brand: Option<String>,
    /// The language of the person, a BCP 47 tag.
    pub language: Option<String>,
}

impl fmt::Debug for Profile {
    /// Leaves out the address and the names of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An account.
#[derive(Clone)]
pub struct Account {
    /// Its owner.
    pub profile: Profile,
    /// Its roles.
    pub roles: BTreeSet<String>,
    /// The stored hash of the password. `None` if the account has no password.
    pub password_hash: Option<Secret>,
    /// The time at which the password was last changed. `None` if it was imported.
    pub password_changed_at: Option<Timestamp>,
    /// The time at which the password expires, if it does.
    pub password_expires_at: Option<Timestamp>,
    /// Whether the password was mailed and must be changed at the next login.
    pub must_change_password: bool,
    /// A mailed password that is valid in addition to the old one.
    pub temporary: Option<TemporaryPassword>,
    /// A reset that is not finished.
    pub reset: Option<PendingReset>,
    /// Whether logins and resets are refused.
    pub disabled: bool,
    /// The time at which an email to the address bounced permanently or was reported as spam.
    pub email_failed_at: Option<Timestamp>,
    /// A counter of changes that other applications may have to notice, such as changes to the
    /// password.
    pub version: u64,
    /// Sessions that began before this time are invalid.
    pub sessions_valid_after: Option<Timestamp>,
}

impl fmt::Debug for Account {
    /// Leaves out the hashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// A mailed password that is valid in addition to the old one, in [`super::ResetMode::Dual`].
#[derive(Debug, Clone)]
pub struct TemporaryPassword {
    /// Its PHC string.
    pub hash: Secret,
    /// The time at which it expires.
    pub expires_at: Timestamp,
}

/// An unfinished reset: SES has not accepted its email or, if it is superseded, the email that
/// corrects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReset {
    /// The request that made its password.
    pub request_id: String,
    /// The number of its emails that SES has refused.
    pub attempts: u64,
    /// The end of the reservation: until then, its request may be running, and no other may take it
    /// over.
    pub expires_at: Timestamp,
    /// The time at which it was requested. `None` in items written by older versions.
    pub requested_at: Option<Timestamp>,
    /// Whether another password has been set since it was requested.
    pub is_superseded: bool,
    /// The operator who requested it, if one did.
    pub operator: Option<Operator>,
}

/// The operator who requested a reset, as in the audit rows about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Operator {
    /// The ARN of the operator's credentials. `None` in items written by older versions.
    pub actor: Option<String>,
    /// The name that the operator typed.
    pub requester: Option<String>,
}

impl fmt::Debug for Operator {
    /// Omits names, which must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator(..)")
    }
}

/// The state, according to the table, of a reset that was found in `pending-reset-index`. The index
/// may lag behind the table.
#[derive(Debug)]
pub enum Due {
    /// It is finished, another request is working on it, or the account is gone.
    No,
    /// It is due, but an attribute that is needed to finish it is missing or malformed.
    Unreadable,
    /// It is due and can be retried.
    Yes(Box<Account>, PendingReset),
}

/// Whether the reset of an item is due.
pub(super) fn due(item: &Item, now: Timestamp) -> Due {
    if !(item.contains_key("reset_queue") && is_at_most(item.get("reset_due_at"), now)) {
        return Due::No;
    }
    let Some(account) = account(item) else {
        return Due::Unreadable;
    };
    match account.reset.clone() {
        // A reservation never ends later than the reset is due.
        Some(reset) if reset.expires_at <= now => Due::Yes(Box::new(account), reset),
        _ => Due::Unreadable,
    }
}

/// Compares like DynamoDB, including fractions and negative numbers that someone may have put into
/// the table by hand.
fn is_at_most(value: Option<&AttributeValue>, time: Timestamp) -> bool {
    let number = value.and_then(|value| value.as_n().ok()?.parse::<f64>().ok());
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact for times up to 285 million years"
    )]
    number.is_some_and(|number| number <= time.0 as f64)
}

/// Reads the profile of an item. `None` if an attribute that every account has is missing.
pub(super) fn profile(item: &Item) -> Option<Profile> {
    let text = |name| get_text(item, name).map(str::to_owned);
    let username = text("username")?;
    Some(Profile {
        display_username: text("display_username").unwrap_or_else(|| username.clone()),
        id: get_number(item, "id").filter(|id| *id <= MAX_ID)?,
        email: text("email").filter(|address| !address.is_empty()),
        display_name: text("display_name").unwrap_or_default(),
        brand: text("brand").filter(|brand| brand != NO_BRAND),
        language: text("language"),
        username: UsernameKey::stored(username),
    })
}

/// Reads the account of an item. `None` if an attribute that every account has is missing, or if
/// the version, which a password change would increment, is not a non-negative whole number.
#[must_use]
pub fn account(item: &Item) -> Option<Account> {
    let time = |name| get_number(item, name).map(Timestamp);
    let roles = item.get("roles").and_then(|roles| roles.as_ss().ok());
    let version = match item.get("version") {
        Some(_) => get_number(item, "version")?,
        None => 0,
    };
    Some(Account {
        profile: profile(item)?,
        roles: roles.into_iter().flatten().cloned().collect(),
        password_hash: get_text(item, "password_hash").map(Secret::from),
        password_changed_at: time("password_changed_at"),
        password_expires_at: time("password_expires_at"),
        must_change_password: get_flag(item, "must_change_password"),
        temporary: get_map(item, "temporary").and_then(temporary),
        reset: pending_reset(item),
        // An account whose attribute is malformed counts as disabled.
        disabled: !matches!(
            item.get("disabled"),
            None | Some(AttributeValue::Bool(false))
        ),
        email_failed_at: time("email_failed_at"),
        version,
        // A malformed attribute ends all sessions.
        sessions_valid_after: item
            .contains_key("sessions_valid_after")
            .then(|| time("sessions_valid_after").unwrap_or(Timestamp(u64::MAX))),
    })
}

fn temporary(item: &Item) -> Option<TemporaryPassword> {
    Some(TemporaryPassword {
        hash: Secret::from(get_text(item, "hash")?),
        expires_at: Timestamp(get_number(item, "expires_at")?),
    })
}

fn pending_reset(item: &Item) -> Option<PendingReset> {
    let reset = get_map(item, "reset")?;
    Some(PendingReset {
        request_id: get_text(reset, "request_id")?.to_owned(),
        attempts: get_number(reset, "attempts")?,
        expires_at: Timestamp(get_number(reset, "expires_at")?),
        requested_at: get_number(reset, "requested_at").map(Timestamp),
        // The conditions of the protocol ask whether it exists, whatever its value.
        is_superseded: item.contains_key(SUPERSEDED),
        operator: get_flag(reset, "by_operator").then(|| operator(reset)),
    })
}

fn operator(reset: &Item) -> Operator {
    let text = |name| get_text(reset, name).map(str::to_owned);
    Operator {
        actor: text("actor"),
        requester: text("requester"),
    }
}
