//! Reads the existing accounts for a batch of rows.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use shared::dynamodb::{Backoff, Item, StoreError, get_text, text};
use shared::users::NewAccount;

use crate::Error;
use crate::access::Session;

/// The limit of `BatchGetItem`.
pub(super) const MAX_KEYS: usize = 100;

/// Reads the existing accounts among at most [`MAX_KEYS`] rows, by user name.
pub(super) async fn read(
    session: &Session<'_>,
    accounts: impl IntoIterator<Item = &NewAccount>,
) -> Result<HashMap<String, Item>, Error> {
    let keys = accounts.into_iter().map(|account| {
        let username = text(account.profile.username.as_str());
        Item::from([("username".to_owned(), username)])
    });
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(keys.collect()))
        .consistent_read(true)
        .build();
    let keys = keys.map_err(StoreError::from)?;
    let mut open = Some(HashMap::from([(session.users_table()?, keys)]));
    let mut found = HashMap::new();
    let mut backoff = Backoff::interactive();
    while let Some(keys) = open.filter(|keys| !keys.is_empty()) {
        let request = session.clients()?.dynamodb.batch_get_item();
        let output = request.set_request_items(Some(keys)).send().await;
        let output = output.map_err(Error::unavailable)?;
        let items = output.responses.into_iter().flat_map(HashMap::into_values);
        for item in items.flatten() {
            let username = get_text(&item, "username").unwrap_or_default().to_owned();
            found.insert(username, item);
        }
        // Keys that exceeded 16 MB or the capacity of the table.
        open = output.unprocessed_keys;
        if open.as_ref().is_some_and(|keys| !keys.is_empty()) && !backoff.wait().await {
            return Err(StoreError::Busy.into());
        }
    }
    Ok(found)
}
