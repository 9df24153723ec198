//! Which rows can be accounts: each by itself, beside the rows before it, and beside the accounts
//! that are there.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;
use std::path::Path;

use fixedbitset::FixedBitSet;
use indicatif::ProgressBar;
use shared::dynamodb::{Item, get_number, get_text};
use shared::users::{ADMIN_ROLE, NewAccount, UsernameKey, brand_key, email_key};

use super::arguments::Arguments;
use super::file::{self, Format, Required};
use super::row::{COLUMNS, Row};
use super::write::Existing;
use crate::Error;
use crate::access::Session;
use crate::near::is_almost_admin;
use crate::table::{Scan, key};

/// A row that cannot be an account.
pub(crate) struct Refusal {
    /// The line, from 1.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) reasons: Vec<String>,
}

/// The line and the account of a row.
pub(crate) type Checked = Result<(u64, NewAccount), Refusal>;

/// The accounts that a file is about.
#[derive(Default)]
pub(crate) struct Listed {
    names: HashSet<u64>,
    /// Whether one that is written has the role `Admin` and may log in.
    pub(crate) has_admin: bool,
}

impl Listed {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A file of accounts, to be read more than once.
pub(crate) struct AccountFile<'a> {
    path: &'a Path,
    format: Format,
    /// What is done with accounts that are there.
    pub(crate) existing: Existing,
    /// Whether a role may be almost `Admin`.
    takes_near_roles: bool,
    keys: Keys,
    rows: Filter,
    /// What may stand in several rows.
    repeated: HashSet<u64>,
    /// The customer numbers of accounts that are there and may be in the file, by their names.
    ids: HashMap<u64, Option<u64>>,
    /// The names of accounts whose addresses may be in the file, by address and brand.
    names: HashMap<u64, u64>,
    /// Accounts that are there and get the addresses of their rows.
    moved: HashSet<u64>,
    /// The user names with an `@`, in the file and in the table.
    like_addresses: HashSet<u64>,
    /// The user names in the file that are the address of another account that is there.
    claimed: HashSet<u64>,
}

impl<'a> AccountFile<'a> {
    /// Reads the file for what may stand in several rows.
    pub(crate) fn open(
        arguments: &'a Arguments,
        format: Format,
        progress: &ProgressBar,
    ) -> Result<Self, Error> {
        let path = arguments.file.as_path();
        let existing = if arguments.overwrite {
            Existing::Overwrite
        } else {
            Existing::Keep
        };
        let mut file = Self {
            path,
            format,
            existing,
            takes_near_roles: arguments.force,
            keys: Keys::default(),
            rows: Filter::new(),
            repeated: HashSet::new(),
            ids: HashMap::new(),
            names: HashMap::new(),
            moved: HashSet::new(),
            like_addresses: HashSet::new(),
            claimed: HashSet::new(),
        };
        for row in progress.wrap_iter(file::rows(path, format, required(existing))?) {
            if let (_, Ok(row)) = row? {
                let [name, address] = file.keys.of_row(&row);
                if row.username.contains('@') {
                    file.like_addresses.insert(name);
                }
                for key in [name, address] {
                    if file.rows.put(key) {
                        file.repeated.insert(key);
                    }
                }
            }
        }
        Ok(file)
    }

    /// Reads the Users table for accounts that may be in the file.
    pub(crate) async fn compare(
        &mut self,
        session: &Session<'_>,
        progress: ProgressBar,
    ) -> Result<(), Error> {
        let scan = Scan {
            attributes: &["id", "email_key", "brand"],
            after: None,
            progress,
        };
        let visit = |item: Item| {
            self.note(&item);
            ControlFlow::Continue(())
        };
        scan.visit(session, visit).await?;
        if self.existing == Existing::Overwrite {
            self.settle()?;
        }
        Ok(())
    }

    /// Keeps what matters of an account that exists.
    fn note(&mut self, item: &Item) {
        let username = key(item);
        let name = self.keys.of_name(&UsernameKey::stored(username.to_owned()));
        let email = get_text(item, "email_key");
        let as_name = email.map(|email| self.keys.of_name(&UsernameKey::new(email)));
        if let Some(email) = as_name.filter(|email| *email != name)
            && self.like_addresses.contains(&email)
        {
            self.claimed.insert(email);
        }
        if username.contains('@') {
            self.like_addresses.insert(name);
        }
        if self.rows.may_have(name) {
            self.ids.insert(name, get_number(item, "id"));
        }
        if let Some(email) = email {
            let address = self.keys.of_address(email, get_text(item, "brand"));
            if self.rows.may_have(address) {
                self.names.insert(address, name);
            }
        }
    }

    /// Finds the accounts that get another address. One whose row is refused keeps its own, for
    /// which another row may be refused then, and so on.
    fn settle(&mut self) -> Result<(), Error> {
        self.moved = self.ids.keys().copied().collect();
        loop {
            let mut good = HashSet::new();
            for row in self.accounts()? {
                if let Ok((_, account)) = row? {
                    let name = self.keys.of_name(&account.profile.username);
                    if self.ids.contains_key(&name) {
                        good.insert(name);
                    }
                }
            }
            if good == self.moved {
                return Ok(());
            }
            self.moved = good;
        }
    }

    /// Whether the address is that of another account, and stays so.
    fn is_anothers(&self, address: u64, name: u64) -> bool {
        let owner = self.names.get(&address);
        owner.is_some_and(|owner| *owner != name && !self.moved.contains(owner))
    }

    /// The accounts. Of several rows for one user name, or for one address and brand, the first
    /// counts.
    pub(crate) fn accounts(&self) -> Result<impl Iterator<Item = Result<Checked, Error>>, Error> {
        let mut seen = HashSet::new();
        let rows = file::rows(self.path, self.format, required(self.existing))?;
        Ok(rows.map(move |row| {
            let (line, row) = row?;
            let account = row.map_err(|reason| vec![reason]);
            Ok(match account.and_then(|row| self.account(row, &mut seen)) {
                Ok(account) => Ok((line, account)),
                Err(reasons) => Err(Refusal { line, reasons }),
            })
        }))
    }

    /// The accounts of good rows.
    pub(crate) fn listed(&self) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        for row in self.accounts()? {
            if let Ok((_, account)) = row? {
                let name = self.keys.of_name(&account.profile.username);
                // One that is there may have a password, which a row without a hash leaves.
                let can_log_in = account.password_hash.is_some()
                    || account.profile.email.is_some()
                    || self.ids.contains_key(&name);
                let is_admin =
                    can_log_in && account.roles.contains(ADMIN_ROLE) && !account.disabled;
                listed.has_admin |= is_admin && !self.is_kept(&account);
                listed.names.insert(name);
            }
        }
        Ok(listed)
    }

    /// Whether an account that exists is among these.
    pub(crate) fn is_listed(&self, listed: &Listed, username: &str) -> bool {
        let key = UsernameKey::stored(username.to_owned());
        listed.names.contains(&self.keys.of_name(&key))
    }

    /// Whether the address of the account is the user name of another one, or the other way round.
    pub(crate) fn has_name_clash(&self, account: &NewAccount) -> bool {
        let name = self.keys.of_name(&account.profile.username);
        let email = self.as_name(account).filter(|email| *email != name);
        self.claimed.contains(&name)
            || email.is_some_and(|email| self.like_addresses.contains(&email))
    }

    /// The address as if it were a user name.
    fn as_name(&self, account: &NewAccount) -> Option<u64> {
        let email = account.profile.email.as_deref();
        email.map(|email| self.keys.of_name(&UsernameKey::new(&email_key(email))))
    }

    /// Whether the account is there already, and stays as it is.
    pub(crate) fn is_kept(&self, account: &NewAccount) -> bool {
        let name = self.keys.of_name(&account.profile.username);
        self.existing == Existing::Keep && self.ids.contains_key(&name)
    }

    /// The account of a row. A refused row counts as an earlier row too: otherwise
    /// `--skip-refused` would let a second row for the same user name take its place.
    fn account(&self, row: Row, seen: &mut HashSet<u64>) -> Result<NewAccount, Vec<String>> {
        let keys = self.keys.of_row(&row);
        match row.check() {
            Ok(account) => self.check(account, seen),
            Err(reasons) => {
                seen.extend(keys.into_iter().filter(|key| self.repeated.contains(key)));
                Err(reasons)
            }
        }
    }

    /// The account, if no other has its name or its address and brand.
    fn check(
        &self,
        account: NewAccount,
        seen: &mut HashSet<u64>,
    ) -> Result<NewAccount, Vec<String>> {
        let mut is_new = |key| !self.repeated.contains(&key) || seen.insert(key);
        let mut reasons = Vec::new();
        let mut note = |reason: &str| reasons.push(reason.to_owned());
        let name = self.keys.of_name(&account.profile.username);
        if !is_new(name) {
            note("username is that of an earlier row");
        }
        if self
            .ids
            .get(&name)
            .is_some_and(|id| *id != Some(account.profile.id))
        {
            note(TAKEN);
        }
        if !self.takes_near_roles && account.roles.iter().any(|role| is_almost_admin(role)) {
            note(NEAR_ROLE);
        }
        if let Some(email) = &account.profile.email {
            let address = self
                .keys
                .of_address(email, account.profile.brand.as_deref());
            if !is_new(address) {
                note("email and brand are those of an earlier row");
            }
            if self.is_anothers(address, name) && !self.is_kept(&account) {
                note("email and brand are those of an account that is there");
            }
        }
        if reasons.is_empty() {
            Ok(account)
        } else {
            Err(reasons)
        }
    }
}

/// What a row must have. One that overwrites has all but the password: what it does not speak of
/// would be lost.
fn required(existing: Existing) -> Required {
    match existing {
        Existing::Keep => &["username", "id"],
        Existing::Overwrite => &COLUMNS[..8],
    }
}

/// Why a row is refused that gives a role of almost that name.
const NEAR_ROLE: &str = "a role is almost Admin, and names of roles compare exactly; use --force to \
                         take it as it is";

/// Why an account is neither made nor overwritten.
pub(crate) const TAKEN: &str = "username is that of an account with another id";

/// What must not belong to two accounts, as digests: 64 bits under a random key. That two of a
/// million rows are mistaken for one happens to one file in ten million.
#[derive(Default)]
struct Keys(RandomState);

impl Keys {
    fn of_name(&self, username: &UsernameKey) -> u64 {
        self.0.hash_one(("username", username.as_str()))
    }

    /// The name, and the address with its brand, of a row that may be wrong.
    fn of_row(&self, row: &Row) -> [u64; 2] {
        let name = self.of_name(&UsernameKey::new(&row.username));
        [name, self.of_address(&row.email, Some(&row.brand))]
    }

    fn of_address(&self, email: &str, brand: Option<&str>) -> u64 {
        self.0
            .hash_one(("email", email_key(email), brand_key(brand)))
    }
}

/// A Bloom filter with one hash function and 8 MiB: of the two million keys of a million rows, one
/// in seventy meets a bit that another has set.
struct Filter(FixedBitSet);

impl Filter {
    fn new() -> Self {
        Self(FixedBitSet::with_capacity(1 << 26))
    }

    /// Whether the key may have been put before; if it was, it always says so.
    fn put(&mut self, key: u64) -> bool {
        let bit = self.bit(key);
        self.0.put(bit)
    }

    fn may_have(&self, key: u64) -> bool {
        self.0.contains(self.bit(key))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any bits of a digest will do"
    )]
    fn bit(&self, key: u64) -> usize {
        key as usize % self.0.len()
    }
}
