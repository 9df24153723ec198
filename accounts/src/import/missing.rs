//! Accounts that are missing in the file, and the check that an administrator remains.

use std::ops::ControlFlow;

use serde_json::Value;
use shared::dynamodb::{Item, StoreError, get_flag};
use shared::users::{ADMIN_ROLE, UsernameKey, admin};

use super::check::{AccountFile, Listed};
use super::write::Existing;
use crate::access::Session;
use crate::console::Record;
use crate::last_admin::{self, can_administer, find_other};
use crate::table::{Scan, key};
use crate::{Console, Error};

/// Maximum number of missing accounts to print.
const MAX_NAMED: usize = 20;

/// An account to disable.
struct Account {
    username: String,
    can_administer: bool,
}

/// The accounts that are missing in the file, and the state of administrators.
#[derive(Default)]
pub(super) struct Missing {
    /// The accounts to disable: imported, not disabled, and not in the file.
    accounts: Vec<Account>,
    had_admin: bool,
    keeps_admin: bool,
}

impl Missing {
    /// Reads the Users table. Finds accounts to disable only if `disables` is true.
    pub(super) async fn find(
        session: &Session<'_>,
        file: &AccountFile<'_>,
        disables: bool,
        console: &Console,
    ) -> Result<Self, Error> {
        let listed = file.listed()?;
        if disables && listed.is_empty() {
            let text = "the file has no accounts; this would disable all imported accounts";
            return Err(Error::Refused(text.to_owned()));
        }
        let scan = Scan {
            attributes: &[&last_admin::ATTRIBUTES[..], &["imported_at"]].concat(),
            after: None,
            progress: console.progress(None, "comparing"),
        };
        let mut missing = Self {
            keeps_admin: listed.has_admin,
            ..Self::default()
        };
        let visit = |item: Item| {
            missing.visit(file, &listed, &item, disables);
            ControlFlow::Continue(())
        };
        scan.visit(session, visit).await?;
        Ok(missing)
    }

    fn visit(&mut self, file: &AccountFile<'_>, listed: &Listed, item: &Item, disables: bool) {
        if get_flag(item, "disabled") {
            return;
        }
        let is_listed = file.is_listed(listed, key(item));
        let is_missing = disables && !is_listed && item.contains_key("imported_at");
        let is_replaced = is_listed && file.existing == Existing::Overwrite;
        if can_administer(item) {
            self.had_admin = true;
            self.keeps_admin |= !is_missing && !is_replaced;
        }
        if is_missing {
            self.accounts.push(Account {
                username: key(item).to_owned(),
                can_administer: can_administer(item),
            });
        }
    }

    /// Refuses an import after which no account can use the role `Admin`.
    pub(super) fn check_admin(&self) -> Result<(), Error> {
        if self.keeps_admin || !self.had_admin {
            return Ok(());
        }
        Err(no_admin_left())
    }

    /// Returns the number of accounts to disable.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.accounts.len()).unwrap_or(u64::MAX)
    }

    /// Prints the accounts to disable.
    pub(super) fn print(&self, console: &mut Console) -> std::io::Result<()> {
        let names = self.accounts.iter().take(MAX_NAMED);
        let names: Vec<_> = names.map(|account| account.username.clone()).collect();
        let count = self.accounts.len();
        if console.is_json() {
            return console.json(&Record::new([
                ("missing", count.into()),
                ("missing_accounts", Value::from(names)),
            ]));
        }
        let more = match count.saturating_sub(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = names.join(", ");
        console.line(&match count {
            0 => "0 missing in the file".to_owned(),
            _ => format!("{count} missing in the file: {names}{more}"),
        })
    }

    /// Disables the accounts and returns their number. Without `force`, each write has the
    /// condition that another account can use the role `Admin`.
    pub(super) async fn disable(
        &self,
        session: &Session<'_>,
        force: bool,
        console: &Console,
    ) -> Result<u64, Error> {
        let progress = console.progress(Some(self.count()), "disabling");
        let mut disabled = 0;
        for account in &self.accounts {
            let key = UsernameKey::stored(account.username.clone());
            let other_admin = if account.can_administer && !force {
                let other = find_other(session, &account.username).await?;
                Some(other.ok_or_else(no_admin_left)?)
            } else {
                None
            };
            let change = admin::disable(session.now);
            let events = [("account.disabled", None)];
            let is_conditional = other_admin.is_some();
            let changed = session.change_with(&key, &change, &events, other_admin);
            match changed.await {
                Ok(()) => disabled += 1,
                // The account was deleted in the meantime.
                Err(Error::Store(StoreError::Conflict)) if !is_conditional => {}
                Err(error) => return Err(error),
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(disabled)
    }
}

fn no_admin_left() -> Error {
    Error::Refused(format!(
        "no account with the role {ADMIN_ROLE} could log in afterwards; use --force to continue \
         anyway"
    ))
}
