//! Accounts whose customer number or version is unreadable. They can still be disabled and deleted.

use shared::dynamodb::{Item, StoreError, number};
use shared::users::{Account, UsernameKey, account};

use crate::access::Session;
use crate::{Error, table};

/// Reads the item of an account, and the account itself. If the account is unreadable,
/// its customer number and version are both 0.
pub(crate) async fn find(session: &Session<'_>, username: &str) -> Result<(Item, Account), Error> {
    let key = UsernameKey::new(username);
    let Some(item) = table::item(session, key.as_str()).await? else {
        return Err(session.unknown(username).await);
    };
    let found = account(&item).or_else(|| {
        let mut item = item.clone();
        item.insert("id".to_owned(), number(0));
        item.remove("version");
        account(&item)
    });
    let found = found.ok_or(StoreError::Malformed)?;
    Ok((item, found))
}

/// Returns whether the account of an item is readable.
pub(crate) fn is_readable(item: &Item) -> bool {
    account(item).is_some()
}
