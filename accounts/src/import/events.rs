//! The audit events of accounts that an import writes.

use shared::users::NewAccount;

/// The audit event of an account that was imported with `--overwrite`.
pub(super) const IMPORTED: &str = "account.imported";
/// The audit event of granted roles.
pub(crate) const GRANTED: &str = "role.granted";
/// The audit event of revoked roles.
pub(crate) const REVOKED: &str = "role.revoked";

/// Audit events with their details.
pub(super) type Events = Vec<(&'static str, Option<String>)>;

/// Returns the events for the roles of a new account.
pub(super) fn of_roles(account: &NewAccount) -> Events {
    let granted = joined(&account.roles);
    let granted = granted.map(|roles| (GRANTED, Some(roles)));
    granted.into_iter().collect()
}

/// Joins roles for the detail of an audit row; `None` without roles.
pub(crate) fn joined<'r>(roles: impl IntoIterator<Item = &'r String>) -> Option<String> {
    let roles: Vec<_> = roles.into_iter().map(String::as_str).collect();
    (!roles.is_empty()).then(|| roles.join("; "))
}
