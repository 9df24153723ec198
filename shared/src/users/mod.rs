//! The Users table: its items, its keys, and the few ways it is read and changed.
//!
//! Other applications log users in with the same table, so its attributes are a public contract:
//! see `docs/users-table.md`.

mod item;
mod key;
mod store;

use std::collections::BTreeSet;

pub use key::{MAX_NAME_LENGTH, UsernameKey, brand_key, email_key};
pub use store::{Account, NewPassword, Pending, Promotion, StoreError, Users};

use crate::clock::Timestamp;
use crate::password::Secret;

/// One account.
#[derive(Debug, Clone)]
pub struct User {
    /// The key: the normalised user name.
    pub username: String,
    /// The user name as it was entered.
    pub display_username: String,
    /// The customer number.
    pub id: u64,
    /// The address on file.
    pub email: Option<String>,
    /// The name of the person.
    pub display_name: String,
    /// The brand, in key form.
    pub brand: Option<String>,
    /// What the account may do.
    pub roles: BTreeSet<String>,
    /// The PHC string of the password; none when no password was ever set.
    pub password_hash: Option<Secret>,
    /// From when on the password is no longer accepted.
    pub password_expires_at: Option<Timestamp>,
    /// Whether the account may log in at all.
    pub disabled: bool,
}

impl User {
    /// Whether the account's password opens anything at this time.
    #[must_use]
    pub fn may_log_in(&self, now: Timestamp) -> bool {
        !self.disabled && self.password_expires_at.is_none_or(|end| now < end)
    }
}
