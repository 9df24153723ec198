//! The change that a row makes to an existing account.

use std::hash::{BuildHasher as _, RandomState};

use shared::clock::Timestamp;
use shared::dynamodb::Item;
use shared::users::{Account, Change, NewAccount, account, admin};

use super::events::{Events, GRANTED, IMPORTED, REVOKED, joined, of_roles};
use crate::address::AddressChange;

/// The plan for a row.
pub(super) enum Plan {
    /// Add a new account.
    Add(Events),
    /// Change the existing account, which differs from the row.
    Replace(Replacement),
    /// Keep the existing account, which equals the row.
    Keep,
    /// Refuse the row, because the account belongs to another customer or is unreadable.
    Refuse,
}

/// The change to an existing account.
pub(super) struct Replacement {
    pub(super) change: Change,
    pub(super) events: Events,
    pub(super) roles_lost: Vec<String>,
    /// Whether the address changes or is removed.
    pub(super) is_moved: bool,
    /// Whether the account loses its password, because it was mailed to the old address.
    pub(super) loses_password: bool,
    /// Whether the row replaces the password hash with another one.
    pub(super) replaces_password: bool,
}

/// Plans a row, given the existing account if there is one.
pub(super) fn plan(row: &NewAccount, found: Option<&Item>, now: Timestamp) -> Plan {
    let Some(item) = found else {
        let imported = [(IMPORTED, None)].into_iter();
        return Plan::Add(imported.chain(of_roles(row)).collect());
    };
    let Some(old) = account(item).filter(|old| old.profile.id == row.profile.id) else {
        return Plan::Refuse;
    };
    match admin::overwrite(row, item, now) {
        Some(change) => Plan::Replace(Replacement::new(row, &old, change)),
        None => Plan::Keep,
    }
}

impl Replacement {
    fn new(row: &NewAccount, old: &Account, change: Change) -> Self {
        let new = row.profile.email.as_deref();
        let is_moved = admin::is_other_address(old, new);
        let revoked = joined(old.roles.difference(&row.roles));
        let granted = joined(row.roles.difference(&old.roles));
        let mut events = vec![(IMPORTED, None)];
        events.extend(revoked.map(|roles| (REVOKED, Some(roles))));
        events.extend(granted.map(|roles| (GRANTED, Some(roles))));
        if is_moved {
            let address_change = AddressChange { account: old, new };
            events.extend(
                address_change
                    .events()
                    .into_iter()
                    .map(|event| (event, None)),
            );
        }
        let mut set = change.set.iter();
        let has_new_hash = set.any(|(path, _)| *path == "password_hash");
        Self {
            change,
            events,
            roles_lost: old.roles.difference(&row.roles).cloned().collect(),
            is_moved,
            loses_password: is_moved && old.must_change_password && row.password_hash.is_none(),
            replaces_password: old.password_hash.is_some() && has_new_hash,
        }
    }

    /// Returns a digest that identifies the change within a run. If someone else changes the
    /// account between preview and write, the digest differs.
    pub(super) fn digest(&self, row: &NewAccount, keys: &RandomState) -> u64 {
        let expressions = self.change.expressions();
        let values = expressions.values.unwrap_or_default();
        let mut values: Vec<_> = values.iter().collect();
        values.sort_by_key(|(name, _)| *name);
        let username = row.profile.username.as_str();
        let change = (
            expressions.condition,
            expressions.update,
            format!("{values:?}"),
        );
        keys.hash_one((username, change))
    }
}
