//! Accounts whose customer number cannot be read. They can be disabled and deleted.

use shared::dynamodb::{Item, StoreError, number};
use shared::users::{Account, UsernameKey, account};

use crate::access::Session;
use crate::{Error, table};

/// The item of an account, and the account with the customer number 0 if it cannot be read.
pub(crate) async fn find(session: &Session<'_>, username: &str) -> Result<(Item, Account), Error> {
    let key = UsernameKey::new(username);
    let Some(item) = table::item(session, key.as_str()).await? else {
        return Err(session.unknown(username).await);
    };
    let found = account(&item).or_else(|| {
        let mut item = item.clone();
        item.insert("id".to_owned(), number(0));
        account(&item)
    });
    let found = found.ok_or(StoreError::Malformed)?;
    Ok((item, found))
}

/// Whether the customer number of an item can be read.
pub(crate) fn has_id(item: &Item) -> bool {
    account(item).is_some()
}
