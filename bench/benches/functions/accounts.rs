//! Accounts for requests.

use std::collections::BTreeSet;
use std::ops::Range;

use ::accounts::{Existing, Import, Imported, Importer};
use aws_sdk_dynamodb::Client;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use shared::clock::Clock;
use shared::users::{NewAccount, Profile, UsernameKey};

use super::Error;

/// The number of concurrent transactions.
const AT_ONCE: usize = 4;

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
        Err("there are such accounts already".into())
    }
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
