//! Accounts for requests.

use std::collections::BTreeSet;
use std::ops::Range;

use ::accounts::{Existing, Import, Imported, Importer};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::{Database, ImportOptions};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use shared::clock::{Clock, Timestamp};
use shared::dynamodb::Item;
use shared::users::{NewAccount, Profile, UsernameKey, admin};

use super::Error;

/// The number of concurrent transactions.
const AT_ONCE: usize = 4;
/// The number of accounts that are loaded in one transaction of the database.
const LOADED_AT_ONCE: usize = 50_000;

pub(super) fn username(number: u64) -> String {
    format!("user-{number}")
}

pub(super) fn email(number: u64) -> String {
    format!("{}@example.com", username(number))
}

/// Adds the accounts with these numbers, with the brand of the demo data.
pub(super) async fn add(client: &Client, table: &str, numbers: Range<u64>) -> Result<(), Error> {
    let now = Clock::system().now();
    let importer = Importer::new(client.clone(), table.to_owned(), now);
    let batch = Existing::Keep.batch();
    let batches = numbers.clone().step_by(batch).map(|first| {
        let imports = (first..numbers.end).take(batch);
        let imports = imports.map(|number| Import::new(account(number), vec![]));
        let (importer, imports) = (&importer, imports.collect::<Vec<_>>());
        async move { importer.write(&imports).await }
    });
    let results: Vec<_> = stream::iter(batches)
        .buffer_unordered(AT_ONCE)
        .try_concat()
        .await?;
    if results.iter().all(|result| *result == Imported::Written) {
        Ok(())
    } else {
        Err("accounts with these names already exist".into())
    }
}

/// Adds the same accounts as [`add`] without requests, which would take an hour for ten million.
pub(super) fn load(database: &Database, table: &str, numbers: Range<u64>) -> Result<(), Error> {
    let now = Clock::system().now();
    for first in numbers.clone().step_by(LOADED_AT_ONCE) {
        let numbers = (first..numbers.end).take(LOADED_AT_ONCE);
        let items: Result<_, Error> = numbers.map(|number| stored(number, now)).collect();
        database.import_items(table, items?, ImportOptions::default())?;
    }
    Ok(())
}

/// The item of an account, in the types of the embedded database.
fn stored(number: u64, now: Timestamp) -> Result<dynoxide::Item, Error> {
    let account = account(number);
    let mut item = Item::new();
    admin::import(&account, now).apply(&mut item);
    let key = AttributeValue::S(account.profile.username.as_str().to_owned());
    item.insert("username".to_owned(), key);
    let attributes = item.into_iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::S(text) => dynoxide::AttributeValue::S(text),
            AttributeValue::N(number) => dynoxide::AttributeValue::N(number),
            AttributeValue::Bool(flag) => dynoxide::AttributeValue::BOOL(flag),
            other => return Err(format!("{name}: {other:?} is of a different type").into()),
        };
        Ok((name, value))
    });
    attributes.collect()
}

fn account(number: u64) -> NewAccount {
    NewAccount {
        profile: Profile {
            username: UsernameKey::new(&username(number)),
            display_username: username(number),
            // Greater than those of the demo data.
            id: 1_000 + number,
            email: Some(email(number)),
            display_name: format!("User {number}"),
            brand: Some("Brand".to_owned()),
            language: None,
        },
        roles: BTreeSet::new(),
        password_hash: None,
        disabled: false,
    }
}
