//! The audit events of accounts that an import writes.

use shared::users::NewAccount;

/// The audit event of an account that was made as the file has it.
pub(super) const IMPORTED: &str = "account.imported";
/// The audit event of roles that were given.
pub(crate) const GRANTED: &str = "role.granted";
/// The audit event of roles that were taken.
pub(crate) const REVOKED: &str = "role.revoked";

/// Audit events with their details.
pub(super) type Events = Vec<(&'static str, Option<String>)>;

/// The events of roles that a new account has.
pub(super) fn of_roles(account: &NewAccount) -> Events {
    let granted = joined(&account.roles);
    let granted = granted.map(|roles| (GRANTED, Some(roles)));
    granted.into_iter().collect()
}

/// Roles as the detail of an audit row; nothing when there are none.
pub(crate) fn joined<'r>(roles: impl IntoIterator<Item = &'r String>) -> Option<String> {
    let roles: Vec<_> = roles.into_iter().map(String::as_str).collect();
    (!roles.is_empty()).then(|| roles.join("; "))
}
