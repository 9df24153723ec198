//! The Users table: its items, its keys, and the few ways it is read and changed.
//!
//! Other applications log users in with the same table, so its attributes are a public contract:
//! see `docs/users-table.md`.

mod change;
mod import;
mod item;
mod key;
mod login;
pub mod operators;
pub mod protocol;
mod store;

use std::collections::BTreeSet;
use std::fmt;

pub use change::{Change, Condition, Path};
pub use import::{Existing, Import, Imported};
pub use key::{MAX_NAME_LENGTH, NO_BRAND, NOBODY, UsernameKey, brand_key, email_key};
pub use login::{Login, Outcome, WriteBack, recognise, verify};
pub use operators::NewAccount;
pub use protocol::{Pending, Promotion, ResetMode};
pub(crate) use store::change_audited;
pub use store::{Account, Found, StoreError, Users};

use crate::clock::Timestamp;
use password::Secret;

/// One account.
#[derive(Clone)]
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
    /// The language of the person, a BCP 47 tag.
    pub language: Option<String>,
    /// What the account may do.
    pub roles: BTreeSet<String>,
    /// The stored hash of the password; none when no password was ever set.
    pub password_hash: Option<Secret>,
    /// When the password was last changed; none when it came with an import.
    pub password_changed_at: Option<Timestamp>,
    /// From when on the password is no longer accepted.
    pub password_expires_at: Option<Timestamp>,
    /// Whether the password was mailed and must be changed at the next login.
    pub must_change_password: bool,
    /// A mailed password that is valid beside the old one.
    pub temporary: Option<Temporary>,
    /// A reset that is under way.
    pub reset: Option<FailedReset>,
    /// Whether the account may not log in at all.
    pub disabled: bool,
}

impl fmt::Debug for User {
    /// Without the address and the name of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A mailed password that is valid beside the old one.
#[derive(Debug, Clone)]
pub struct Temporary {
    /// Its PHC string.
    pub hash: Secret,
    /// From when on it is no longer accepted.
    pub expires_at: Timestamp,
}

/// A reset that is under way: its mail is not accepted yet, or its user does not know yet that
/// another password came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedReset {
    /// The request that made its password.
    pub request_id: String,
    /// How many times a password was made for it.
    pub attempts: u64,
    /// When it was asked for; an older version did not write that.
    pub requested_at: Option<Timestamp>,
    /// Whether another password was set since it was asked for.
    pub is_superseded: bool,
}
