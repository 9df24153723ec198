//! The Users table: its accounts, their keys, and the operations that read and change them.
//!
//! Other applications log users in with the same table, so its attributes are a public contract
//! (`docs/users-table.md`).

pub mod admin;
mod change;
mod item;
mod key;
mod pending;
pub mod protocol;
mod queue;
mod store;
mod verify;

pub use admin::NewAccount;
pub use change::{Change, Condition, Expressions, Path};
pub use item::{
    ADMIN_ROLE, Account, Due, MAX_ID, Operator, PendingReset, Profile, TemporaryPassword, account,
};
pub use key::{MAX_NAME_LENGTH, NO_BRAND, NOBODY, UsernameKey, brand_key, email_key};
pub use pending::{PendingState, Queued, RESET_ATTRIBUTES, pending_state};
pub use protocol::{Pending, Postponement, Promotion, ResetMode};
pub use store::{Users, change_with, write_all};
pub use verify::{Attempt, Login, LoginOutcome, WriteBack, recognise, verify};
