//! Preview of an overwriting import, read from the table before anything is written.

use std::collections::HashSet;
use std::hash::RandomState;

use serde_json::json;
use shared::users::NewAccount;

use super::check::AccountFile;
use super::found::{self, MAX_KEYS};
use super::replacement::{Plan, Replacement, plan};
use crate::access::Session;
use crate::console::Record;
use crate::{Console, Error};

/// Maximum number of accounts to print among those that lose roles.
const MAX_NAMED: usize = 20;

/// The changes that an import would make.
#[derive(Default)]
pub(super) struct Preview {
    new: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    /// Accounts whose address changes or is removed.
    moved: u64,
    /// Accounts whose address changes or is removed, and that therefore lose the password mailed to
    /// the old address.
    losing_password: u64,
    /// Accounts whose password hash is replaced by that of the file.
    replacing_password: u64,
    /// The first accounts that lose roles, and these roles.
    losses: Vec<(String, Vec<String>)>,
    /// The number of accounts that lose roles.
    losing: u64,
    shown: Shown,
}

/// The changes that were shown, as digests.
#[derive(Default)]
struct Shown {
    keys: RandomState,
    changes: HashSet<u64>,
}

/// Compares the valid rows with existing accounts, a hundred at a time.
pub(super) async fn preview(
    session: &Session<'_>,
    file: &AccountFile<'_>,
) -> Result<Preview, Error> {
    let good = file.accounts()?;
    let mut good = good.filter_map(|row| row.map(Result::ok).transpose());
    let mut preview = Preview::default();
    loop {
        let batch = good.by_ref().take(MAX_KEYS);
        let batch: Vec<_> = batch
            .map(|row| row.map(|(_, account)| account))
            .collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(preview);
        }
        let found = found::read(session, &batch).await?;
        for row in &batch {
            let found = found.get(row.profile.username.as_str());
            match plan(row, found, session.now) {
                Plan::Add(_) => preview.new += 1,
                Plan::Keep => preview.unchanged += 1,
                Plan::Replace(replacement) => preview.count(row, replacement),
                // The write refuses the row and reports it.
                Plan::Refuse => {}
            }
        }
    }
}

impl Preview {
    fn count(&mut self, row: &NewAccount, replacement: Replacement) {
        let digest = replacement.digest(row, &self.shown.keys);
        self.shown.changes.insert(digest);
        self.changed += 1;
        self.moved += u64::from(replacement.is_moved);
        self.losing_password += u64::from(replacement.loses_password);
        self.replacing_password += u64::from(replacement.replaces_password);
        if replacement.roles_lost.is_empty() {
            return;
        }
        self.losing += 1;
        if self.losses.len() < MAX_NAMED {
            let username = row.profile.username.as_str().to_owned();
            self.losses.push((username, replacement.roles_lost));
        }
    }

    /// Returns whether exactly this change to the account was shown.
    pub(super) fn has_shown(&self, row: &NewAccount, replacement: &Replacement) -> bool {
        let digest = replacement.digest(row, &self.shown.keys);
        self.shown.changes.contains(&digest)
    }

    /// Prints the changes.
    pub(super) fn print(&self, console: &mut Console) -> std::io::Result<()> {
        if console.is_json() {
            return console.json(&self.record());
        }
        let Self {
            new,
            changed,
            unchanged,
            moved,
            losing_password,
            replacing_password,
            ..
        } = self;
        console.line(&format!(
            "{new} new, {changed} changed, {unchanged} unchanged"
        ))?;
        if *moved > 0 {
            console.line(&format!(
                "addresses changed: {moved}, mailed passwords withdrawn: {losing_password}"
            ))?;
        }
        if *replacing_password > 0 {
            console.line(&format!(
                "passwords replaced by those in the file: {replacing_password}"
            ))?;
        }
        for (username, roles) in &self.losses {
            console.line(&format!("{username} loses {}", roles.join(", ")))?;
        }
        let named = u64::try_from(self.losses.len()).unwrap_or(u64::MAX);
        match self.losing.saturating_sub(named) {
            0 => Ok(()),
            1 => console.line("1 more account loses roles"),
            more => console.line(&format!("{more} more accounts lose roles")),
        }
    }

    fn record(&self) -> Record {
        let losses = self.losses.iter();
        let losses: Vec<_> = losses
            .map(|(username, roles)| json!({ "username": username, "roles": roles }))
            .collect();
        Record::new([
            ("new", self.new.into()),
            ("changed", self.changed.into()),
            ("unchanged", self.unchanged.into()),
            ("addresses_changed", self.moved.into()),
            ("passwords_withdrawn", self.losing_password.into()),
            ("passwords_replaced", self.replacing_password.into()),
            ("accounts_losing_roles", self.losing.into()),
            ("roles_lost", losses.into()),
        ])
    }
}
