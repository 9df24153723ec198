//! Many accounts to send requests about.

use std::collections::BTreeSet;
use std::ops::Range;

use aws_sdk_dynamodb::Client;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use shared::clock::Clock;
use shared::users::{Existing, Import, Imported, NewAccount, UsernameKey, Users};

use super::Error;

/// Transactions on their way at once.
const AT_ONCE: usize = 4;

pub(super) fn username(number: u64) -> String {
    format!("user-{number}")
}

pub(super) fn email(number: u64) -> String {
    format!("{}@example.com", username(number))
}

/// Adds the accounts of these numbers, with the brand of the demo.
pub(super) async fn add(client: &Client, table: &str, numbers: Range<u64>) -> Result<(), Error> {
    let users = Users::new(client.clone(), table.to_owned());
    let now = Clock::system().now();
    let batch = Existing::Keep.batch();
    let batches = numbers.clone().step_by(batch).map(|first| {
        let imports = (first..numbers.end).take(batch).map(|number| Import {
            account: account(number),
            audit: None,
        });
        let (users, imports) = (&users, imports.collect::<Vec<_>>());
        async move { users.import(&imports, Existing::Keep, now).await }
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
        username: UsernameKey::new(&username(number)),
        display_username: username(number),
        // Beyond those of the demo.
        id: 1_000 + number,
        email: Some(email(number)),
        display_name: format!("User {number}"),
        brand: Some("Brand".to_owned()),
        language: None,
        roles: BTreeSet::new(),
        password_hash: None,
        disabled: false,
    }
}
