//! What an import that overwrites would change, read from the table before anything is written.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use serde_json::json;
use shared::dynamodb::{Backoff, Item, StoreError, get_flag, get_text, text};
use shared::users::{NewAccount, admin};

use super::check::AccountFile;
use crate::access::Session;
use crate::console::Record;
use crate::fields::roles;
use crate::{Console, Error};

/// The limit of `BatchGetItem`.
const MOST_KEYS: usize = 100;
/// Accounts that lose roles and are named.
const MOST_NAMED: usize = 20;
/// The attributes of an account that a row speaks of.
const COMPARED: [&str; 9] = [
    "display_username",
    "id",
    "email",
    "email_key",
    "display_name",
    "brand",
    "language",
    "roles",
    "disabled",
];

/// What an import would change.
#[derive(Default)]
pub(super) struct Preview {
    new: u64,
    changed: u64,
    unchanged: u64,
    /// The first accounts that lose roles, with those.
    losses: Vec<(String, Vec<String>)>,
    /// All accounts that lose roles.
    losing: u64,
}

/// Compares the good rows with the accounts that exist, a hundred at a time.
pub(super) async fn preview(
    session: &Session<'_>,
    file: &AccountFile<'_>,
) -> Result<Preview, Error> {
    let client = &session.clients()?.dynamodb;
    let table = session.users_table()?;
    let good = file.accounts()?;
    let mut good = good.filter_map(|row| row.map(Result::ok).transpose());
    let mut preview = Preview::default();
    loop {
        let batch = good.by_ref().take(MOST_KEYS);
        let batch: Vec<_> = batch
            .map(|row| row.map(|(_, account)| account))
            .collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(preview);
        }
        let found = read(client, &table, &batch).await?;
        for account in &batch {
            preview.count(account, found.get(account.profile.username.as_str()));
        }
    }
}

/// The accounts that exist, by their keys.
async fn read(
    client: &Client,
    table: &str,
    accounts: &[NewAccount],
) -> Result<HashMap<String, Item>, Error> {
    let keys = accounts.iter().map(|account| {
        let username = text(account.profile.username.as_str());
        Item::from([("username".to_owned(), username)])
    });
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(keys.collect()))
        .consistent_read(true)
        .build();
    let keys = keys.map_err(StoreError::from)?;
    let mut open = Some(HashMap::from([(table.to_owned(), keys)]));
    let mut found = HashMap::new();
    let mut backoff = Backoff::interactive();
    while let Some(keys) = open.filter(|keys| !keys.is_empty()) {
        let request = client.batch_get_item().set_request_items(Some(keys));
        let output = request.send().await.map_err(Error::unavailable)?;
        let items = output.responses.into_iter().flat_map(HashMap::into_values);
        for item in items.flatten() {
            let username = get_text(&item, "username").unwrap_or_default().to_owned();
            found.insert(username, item);
        }
        // What is more than 16 MB, or too much for the table at once.
        open = output.unprocessed_keys;
        if open.as_ref().is_some_and(|keys| !keys.is_empty()) && !backoff.wait().await {
            return Err(StoreError::Busy.into());
        }
    }
    Ok(found)
}

impl Preview {
    fn count(&mut self, account: &NewAccount, found: Option<&Item>) {
        let Some(found) = found else {
            self.new += 1;
            return;
        };
        if is_same(account, found) {
            self.unchanged += 1;
            return;
        }
        self.changed += 1;
        let lost: Vec<_> = roles(found).difference(&account.roles).cloned().collect();
        if lost.is_empty() {
            return;
        }
        self.losing += 1;
        if self.losses.len() < MOST_NAMED {
            let username = account.profile.username.as_str().to_owned();
            self.losses.push((username, lost));
        }
    }

    /// Prints what would change.
    pub(super) fn print(&self, console: &mut Console) -> std::io::Result<()> {
        let Self {
            new,
            changed,
            unchanged,
            ..
        } = self;
        if console.is_json() {
            let losses = self.losses.iter();
            let losses: Vec<_> = losses
                .map(|(username, roles)| json!({ "username": username, "roles": roles }))
                .collect();
            return console.json(&Record::new([
                ("new", (*new).into()),
                ("changed", (*changed).into()),
                ("unchanged", (*unchanged).into()),
                ("accounts_losing_roles", self.losing.into()),
                ("roles_lost", losses.into()),
            ]));
        }
        console.line(&format!(
            "{new} new, {changed} changed, {unchanged} unchanged"
        ))?;
        for (username, roles) in &self.losses {
            console.line(&format!("{username} loses {}", roles.join(", ")))?;
        }
        let named = u64::try_from(self.losses.len()).unwrap_or(u64::MAX);
        match self.losing.saturating_sub(named) {
            0 => Ok(()),
            more => console.line(&format!("{more} more accounts lose roles")),
        }
    }
}

/// Whether the account already is as the row has it, its password hash included if the row has one.
fn is_same(account: &NewAccount, found: &Item) -> bool {
    let mut item = Item::new();
    admin::import(account, shared::clock::Timestamp(0)).apply(&mut item);
    let is_same_hash =
        account.password_hash.is_none() || item.get("password_hash") == found.get("password_hash");
    is_same_hash
        && COMPARED.into_iter().all(|name| match name {
            "roles" => account.roles == roles(found),
            "disabled" => account.disabled == get_flag(found, name),
            _ => item.get(name) == found.get(name),
        })
}
