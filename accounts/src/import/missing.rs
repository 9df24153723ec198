//! Accounts that the file lacks, and whether somebody with the role `Admin` is left.

use std::ops::ControlFlow;

use serde_json::Value;
use shared::dynamodb::{Item, StoreError, get_flag};
use shared::users::{ADMIN_ROLE, UsernameKey, admin};

use super::check::{AccountFile, Listed};
use super::write::Existing;
use crate::access::Session;
use crate::console::Record;
use crate::last_admin::{self, find_other, may_administer};
use crate::table::{Scan, key};
use crate::{Console, Error};

/// Accounts that are named before they are disabled.
const MOST_NAMED: usize = 20;

/// An account to disable.
struct Account {
    username: String,
    may_administer: bool,
}

/// What an import does besides writing its rows.
#[derive(Default)]
pub(super) struct Missing {
    /// The accounts to disable: imported, not disabled, and not in the file.
    accounts: Vec<Account>,
    had_admin: bool,
    keeps_admin: bool,
}

impl Missing {
    /// Reads the Users table. Finds accounts to disable if `disables` says so.
    pub(super) async fn find(
        session: &Session<'_>,
        file: &AccountFile<'_>,
        disables: bool,
        console: &Console,
    ) -> Result<Self, Error> {
        let listed = file.listed()?;
        if disables && listed.is_empty() {
            let text = "the file has no accounts; all that were imported would be disabled";
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
        if may_administer(item) {
            self.had_admin = true;
            self.keeps_admin |= !is_missing && !is_replaced;
        }
        if is_missing {
            self.accounts.push(Account {
                username: key(item).to_owned(),
                may_administer: may_administer(item),
            });
        }
    }

    /// Refuses an import after which nobody has the role `Admin` and may log in.
    pub(super) fn check_admin(&self) -> Result<(), Error> {
        if self.keeps_admin || !self.had_admin {
            return Ok(());
        }
        Err(nobody_left())
    }

    /// How many accounts will be disabled.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.accounts.len()).unwrap_or(u64::MAX)
    }

    /// Prints what will be disabled.
    pub(super) fn print(&self, console: &mut Console) -> std::io::Result<()> {
        let names = self.accounts.iter().take(MOST_NAMED);
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

    /// Disables them; returns how many. Without `force`, each on the condition that somebody with the
    /// role `Admin` is left.
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
            let other_admin = if account.may_administer && !force {
                let other = find_other(session, &account.username).await?;
                Some(other.ok_or_else(nobody_left)?)
            } else {
                None
            };
            let change = admin::disable(session.now);
            let events = [("account.disabled", None)];
            let is_conditional = other_admin.is_some();
            let changed = session.change_with(&key, &change, &events, other_admin);
            match changed.await {
                Ok(()) => disabled += 1,
                // It was deleted meanwhile.
                Err(Error::Store(StoreError::Conflict)) if !is_conditional => {}
                Err(error) => return Err(error),
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(disabled)
    }
}

fn nobody_left() -> Error {
    Error::Refused(format!(
        "nobody would be left who has the role {ADMIN_ROLE} and may log in; use --force to do it \
         anyway"
    ))
}
