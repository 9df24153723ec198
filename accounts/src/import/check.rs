//! Validation of rows: each row by itself, against the rows before it, and against existing
//! accounts.

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
use crate::suggestion::resembles_admin;
use crate::table::{Scan, key};

/// A refused row.
pub(crate) struct Refusal {
    /// The line number, from 1.
    pub(crate) line: u64,
    /// The reasons for the refusal.
    pub(crate) reasons: Vec<String>,
}

/// The line number and the account of a row, or its refusal.
pub(crate) type Checked = Result<(u64, NewAccount), Refusal>;

/// The accounts in a file.
#[derive(Default)]
pub(crate) struct Listed {
    names: HashSet<u64>,
    /// Whether an account that will be written has the role `Admin` and can log in.
    pub(crate) has_admin: bool,
}

impl Listed {
    /// Returns whether the file has no accounts.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A file of accounts, which is read several times.
pub(crate) struct AccountFile<'a> {
    path: &'a Path,
    format: Format,
    /// The treatment of existing accounts.
    pub(crate) existing: Existing,
    /// Whether roles may resemble `Admin`.
    allows_near_admin: bool,
    keys: Keys,
    rows: Filter,
    /// Names and addresses that may occur in several rows.
    repeated: HashSet<u64>,
    /// The customer numbers of existing accounts that may be in the file, by user name.
    ids: HashMap<u64, Option<u64>>,
    /// The user names of existing accounts whose addresses may be in the file, by address and
    /// brand.
    names: HashMap<u64, u64>,
    /// Existing accounts with a valid row, which take the address in that row.
    moved: HashSet<u64>,
    /// User names with an `@`, in the file and in the table.
    names_with_at: HashSet<u64>,
    /// User names in the file that are the address of another existing account.
    claimed: HashSet<u64>,
}

impl<'a> AccountFile<'a> {
    /// Opens the file and finds names and addresses that may occur in several rows.
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
            allows_near_admin: arguments.force,
            keys: Keys::default(),
            rows: Filter::new(),
            repeated: HashSet::new(),
            ids: HashMap::new(),
            names: HashMap::new(),
            moved: HashSet::new(),
            names_with_at: HashSet::new(),
            claimed: HashSet::new(),
        };
        for row in progress.wrap_iter(file::rows(path, format, required(existing))?) {
            if let (_, Ok(row)) = row? {
                let [name, address] = file.keys.of_row(&row);
                if row.username.contains('@') {
                    file.names_with_at.insert(name);
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
            self.record_existing(&item);
            ControlFlow::Continue(())
        };
        scan.visit(session, visit).await?;
        if self.existing == Existing::Overwrite {
            self.find_moved()?;
        }
        Ok(())
    }

    /// Records the name, customer number and address of an existing account.
    fn record_existing(&mut self, item: &Item) {
        let username = key(item);
        let name = self.keys.of_name(&UsernameKey::stored(username.to_owned()));
        let email = get_text(item, "email_key");
        let as_name = email.map(|email| self.keys.of_name(&UsernameKey::new(email)));
        if let Some(email) = as_name.filter(|email| *email != name)
            && self.names_with_at.contains(&email)
        {
            self.claimed.insert(email);
        }
        if username.contains('@') {
            self.names_with_at.insert(name);
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

    /// Finds the existing accounts that get the addresses in their rows. An account whose row is
    /// refused keeps its address, so another row with this address may be refused as well.
    /// Repeats the check until nothing changes.
    fn find_moved(&mut self) -> Result<(), Error> {
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

    /// Returns whether the address belongs to another account that keeps it.
    fn belongs_to_other(&self, address: u64, name: u64) -> bool {
        let owner = self.names.get(&address);
        owner.is_some_and(|owner| *owner != name && !self.moved.contains(owner))
    }

    /// Reads and checks the rows. Of several rows with the same user name, or the same address and
    /// brand, only the first is valid.
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

    /// Returns the accounts of valid rows.
    pub(crate) fn listed(&self) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        for row in self.accounts()? {
            if let Ok((_, account)) = row? {
                let name = self.keys.of_name(&account.profile.username);
                // An existing account may have a password, which a row without a hash keeps.
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

    /// Returns whether an existing account is in the file.
    pub(crate) fn is_listed(&self, listed: &Listed, username: &str) -> bool {
        let key = UsernameKey::stored(username.to_owned());
        listed.names.contains(&self.keys.of_name(&key))
    }

    /// Returns whether the address of the account is the user name of another one, or vice versa.
    pub(crate) fn has_name_clash(&self, account: &NewAccount) -> bool {
        let name = self.keys.of_name(&account.profile.username);
        let email = self.as_name(account).filter(|email| *email != name);
        self.claimed.contains(&name)
            || email.is_some_and(|email| self.names_with_at.contains(&email))
    }

    /// Returns the key of the address as a user name.
    fn as_name(&self, account: &NewAccount) -> Option<u64> {
        let email = account.profile.email.as_deref();
        email.map(|email| self.keys.of_name(&UsernameKey::new(&email_key(email))))
    }

    /// Returns whether the account already exists and is skipped.
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

    /// Checks that no other account has the same name, or the same address and brand.
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
            note("username is already used by an earlier row");
        }
        if self
            .ids
            .get(&name)
            .is_some_and(|id| *id != Some(account.profile.id))
        {
            note(TAKEN);
        }
        if !self.allows_near_admin && account.roles.iter().any(|role| resembles_admin(role)) {
            note(RESEMBLES_ADMIN);
        }
        if let Some(email) = &account.profile.email {
            let address = self
                .keys
                .of_address(email, account.profile.brand.as_deref());
            if !is_new(address) {
                note("email is already used by an earlier row with the same brand");
            }
            if self.belongs_to_other(address, name) && !self.is_kept(&account) {
                note("email is already used by an existing account of the same brand");
            }
        }
        if reasons.is_empty() {
            Ok(account)
        } else {
            Err(reasons)
        }
    }
}

/// Returns the required columns. An overwrite needs all columns except the password, because a
/// missing column would clear its values.
fn required(existing: Existing) -> Required {
    match existing {
        Existing::Keep => &["username", "id"],
        Existing::Overwrite => &COLUMNS[..8],
    }
}

/// The reason for refusing a role that resembles `Admin`.
const RESEMBLES_ADMIN: &str = "a role resembles Admin, and role names must match exactly; use --force to \
                         import it anyway";

/// The reason for refusing a row whose user name belongs to another customer.
pub(crate) const TAKEN: &str = "username is already used by an account with a different id";

/// Digests of names and addresses, 64 bits under a random key. The chance that any two of a million
/// rows collide is about one in ten million.
#[derive(Default)]
struct Keys(RandomState);

impl Keys {
    fn of_name(&self, username: &UsernameKey) -> u64 {
        self.0.hash_one(("username", username.as_str()))
    }

    /// Returns the digests of a row's user name, and of its address with its brand. The row need
    /// not be valid.
    fn of_row(&self, row: &Row) -> [u64; 2] {
        let name = self.of_name(&UsernameKey::new(&row.username));
        [name, self.of_address(&row.email, Some(&row.brand))]
    }

    fn of_address(&self, email: &str, brand: Option<&str>) -> u64 {
        self.0
            .hash_one(("email", email_key(email), brand_key(brand)))
    }
}

/// A Bloom filter with one hash function and 8 MiB. Of the two million keys of a million rows,
/// about one in seventy is a false positive.
struct Filter(FixedBitSet);

impl Filter {
    fn new() -> Self {
        Self(FixedBitSet::with_capacity(1 << 26))
    }

    /// Adds a key. Returns whether it may have been added before; false positives are possible,
    /// false negatives are not.
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
