//! The calls to DynamoDB that read and write the Users table.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{Delete, KeysAndAttributes, ReturnValue, TransactWriteItem, Update};

use super::admin;
use super::change::Change;
use super::item::{self, Account, Due, Profile};
use super::key::UsernameKey;
use super::protocol::{self, Pending, Postponement, Promotion, ResetMode};
use crate::audit;
use crate::clock::Timestamp;
use crate::dynamodb::{Backoff, Cancellation, Item, StoreError, cancellation, text};
use password::Secret;

/// A table and the keys of the items to read from it.
pub(crate) type Keys = (String, KeysAndAttributes);

/// The Users table.
#[derive(Debug, Clone)]
pub struct Users {
    pub(super) client: Client,
    pub(super) table: String,
}

impl Users {
    /// Uses the table with this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Checks that the table answers, by reading an item that does not exist.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.find(&UsernameKey::nobody()).await.map(|_| ())
    }

    /// Reads the account with this key, consistently.
    pub async fn find(&self, username: &UsernameKey) -> Result<Option<Account>, StoreError> {
        Self::account(self.find_item(username).await?.as_ref())
    }

    async fn find_item(&self, username: &UsernameKey) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("username", text(username.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        Ok(output.item)
    }

    /// Reads the account's item and `keys` of another table in one `BatchGetItem`, or in several if
    /// DynamoDB is busy.
    pub(crate) async fn find_item_with(
        &self,
        username: &UsernameKey,
        (other, keys): Keys,
    ) -> Result<(Option<Item>, Vec<Item>), StoreError> {
        let key = Item::from([("username".to_owned(), text(username.as_str()))]);
        let key = KeysAndAttributes::builder().keys(key).consistent_read(true);
        let tables = [(self.table.clone(), key.build()?), (other.clone(), keys)];
        let mut items = self.read(tables.into()).await?;
        let mut of = |table| items.remove(table).unwrap_or_default();
        Ok((of(&self.table).pop(), of(&other)))
    }

    /// Converts an item that [`Users::find_item_with`] returned.
    pub(crate) fn account(item: Option<&Item>) -> Result<Option<Account>, StoreError> {
        item.map(account).transpose()
    }

    /// Reads items. Requests again those that DynamoDB left unprocessed, which the SDK does not do.
    async fn read(
        &self,
        mut tables: HashMap<String, KeysAndAttributes>,
    ) -> Result<HashMap<String, Vec<Item>>, StoreError> {
        let mut items: HashMap<_, Vec<_>> = HashMap::new();
        let mut backoff = Backoff::interactive();
        loop {
            let request = self.client.batch_get_item();
            let output = request.set_request_items(Some(tables)).send().await;
            let output = output.map_err(StoreError::unavailable)?;
            for (table, found) in output.responses.unwrap_or_default() {
                items.entry(table).or_default().extend(found);
            }
            tables = output.unprocessed_keys.unwrap_or_default();
            if tables.is_empty() {
                return Ok(items);
            }
            if !backoff.wait().await {
                return Err(StoreError::Busy);
            }
        }
    }

    /// Finds the profiles with this address, of all brands. `email-index` may lag behind the table.
    pub async fn with_email(&self, email_key: &str) -> Result<Vec<Profile>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("email-index")
            .key_condition_expression("email_key = :email_key")
            .expression_attribute_values(":email_key", text(email_key))
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        output.items().iter().map(profile).collect()
    }

    /// Stores `pending` without touching the old password. Returns the account, or `None` if it
    /// cannot be reset: it is unknown, disabled, without an address, or being reset by another
    /// request. Always makes one call.
    pub async fn reserve(
        &self,
        pending: &Pending<'_>,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let change = protocol::reserve(pending, now);
        let found = self.update(pending.username, &change).await?;
        found.as_ref().map(account).transpose()
    }

    /// Reads, consistently, whether the reset of this account is due.
    pub async fn due(&self, username: &UsernameKey, now: Timestamp) -> Result<Due, StoreError> {
        let item = self.find_item(username).await?;
        Ok(item.map_or(Due::No, |item| item::due(&item, now)))
    }

    /// Postpones the next attempt at a reset. Does nothing if another request has taken it over.
    pub async fn postpone(
        &self,
        username: &UsernameKey,
        postponement: &Postponement<'_>,
    ) -> Result<(), StoreError> {
        let change = protocol::postpone(postponement);
        self.update(username, &change).await.map(|_| ())
    }

    /// Removes an unreadable reset from the queue and writes the audit row, atomically.
    /// [`StoreError::Conflict`] if the reset is no longer due.
    pub async fn dequeue(
        &self,
        username: &UsernameKey,
        now: Timestamp,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        self.change(username, &protocol::dequeue(now), audit).await
    }

    /// Replaces the pending password of a failed request. Returns the account, or `None` if another
    /// change came first or the account can no longer be reset.
    pub async fn retry(
        &self,
        pending: &Pending<'_>,
        failed_request_id: &str,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let change = protocol::retry(pending, failed_request_id, now);
        let found = self.update(pending.username, &change).await?;
        found.as_ref().map(account).transpose()
    }

    /// Makes the pending password of this request valid and writes the audit row, atomically.
    /// [`StoreError::Conflict`] if another change came first.
    pub async fn promote(
        &self,
        username: &UsernameKey,
        promotion: &Promotion<'_>,
        mode: ResetMode,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let change = protocol::promote(promotion, mode);
        self.change(username, &change, audit).await
    }

    /// Abandons a failed reset and writes the audit row, atomically. [`StoreError::Conflict`] if
    /// another change came first.
    pub async fn abandon(
        &self,
        username: &UsernameKey,
        failed_request_id: &str,
        now: Timestamp,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let change = protocol::abandon(failed_request_id, now);
        self.change(username, &change, audit).await
    }

    /// Ends a superseded reset whose user has been told. Does nothing if another request has taken
    /// it over.
    pub async fn clear_superseded(
        &self,
        username: &UsernameKey,
        request_id: &str,
    ) -> Result<(), StoreError> {
        let change = protocol::clear_superseded(request_id);
        self.update(username, &change).await.map(|_| ())
    }

    /// Replaces the old password with the temporary one, which was used, and writes the audit row,
    /// atomically. [`StoreError::Conflict`] if another change came first.
    pub async fn use_temporary(
        &self,
        account: &Account,
        now: Timestamp,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let temporary = account.temporary.as_ref().ok_or(StoreError::Conflict)?;
        let change = protocol::use_temporary(&temporary.hash, temporary.expires_at, now);
        self.change(&account.profile.username, &change, audit).await
    }

    /// Withdraws the temporary password that this request mailed and writes the audit row,
    /// atomically. [`StoreError::Conflict`] if the account no longer has it.
    pub async fn withdraw(
        &self,
        username: &UsernameKey,
        request_id: &str,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let change = protocol::withdraw(request_id);
        self.change(username, &change, audit).await
    }

    /// Marks the address of an account as undeliverable and writes the audit row, atomically.
    /// [`StoreError::Conflict`] if the account has a different address now.
    pub async fn mark_address(
        &self,
        profile: &Profile,
        now: Timestamp,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let email = profile.email.as_deref().ok_or(StoreError::Conflict)?;
        let change = protocol::mark_address(email, now);
        self.change(&profile.username, &change, audit).await
    }

    /// Sets a password that an administrator chose and writes the audit row, atomically. Passwords
    /// that were mailed earlier become invalid. [`StoreError::Conflict`] if the account is gone or
    /// has a different address now.
    pub async fn set_password(
        &self,
        profile: &Profile,
        hash: &Secret,
        now: Timestamp,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        let email = profile.email.as_deref().ok_or(StoreError::Conflict)?;
        let change = protocol::set_password(hash, Some(email), now);
        self.change(&profile.username, &change, audit).await
    }

    /// Replaces the hash of an unchanged password with one with current parameters.
    pub async fn rehash(&self, account: &Account, hash: &Secret) -> Result<(), StoreError> {
        let old = account.password_hash.as_ref();
        let change = protocol::rehash(old.ok_or(StoreError::Conflict)?, hash);
        let found = self.update(&account.profile.username, &change).await?;
        found.map(|_| ()).ok_or(StoreError::Conflict)
    }

    /// Applies a change. Returns the item after it, or `None` if the condition does not hold.
    async fn update(
        &self,
        username: &UsernameKey,
        change: &Change,
    ) -> Result<Option<Item>, StoreError> {
        let expressions = change.expressions();
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("username", text(username.as_str()))
            .update_expression(expressions.update)
            .condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(expressions.values)
            .return_values(ReturnValue::AllNew);
        let mut backoff = Backoff::interactive();
        loop {
            match request.clone().send().await {
                Ok(output) => return output.attributes.ok_or(StoreError::Malformed).map(Some),
                Err(error) => match error.code() {
                    Some("ConditionalCheckFailedException") => return Ok(None),
                    Some("TransactionConflictException") if backoff.wait().await => {}
                    _ => return Err(StoreError::unavailable(error)),
                },
            }
        }
    }

    /// Applies a change and writes the audit row, atomically. [`StoreError::Conflict`] if the
    /// change's condition does not hold.
    pub async fn change(
        &self,
        username: &UsernameKey,
        change: &Change,
        audit: &audit::Row,
    ) -> Result<(), StoreError> {
        self.change_with(username, change, vec![audit.write()?])
            .await
    }

    /// Applies a change and other writes, such as audit rows, atomically. [`StoreError::Conflict`]
    /// if the condition of the change or of another write does not hold.
    pub async fn change_with(
        &self,
        username: &UsernameKey,
        change: &Change,
        others: Vec<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("username", text(username.as_str()));
        change_with(&self.client, update, change, others).await
    }

    /// Deletes the account of an item and makes other writes, atomically. [`StoreError::Conflict`]
    /// if the account is gone, now belongs to another customer or has different roles, or if the
    /// condition of another write does not hold.
    pub async fn delete_with(
        &self,
        username: &UsernameKey,
        found: &Item,
        mut others: Vec<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let check = Change::only_if(admin::has_owner_and_roles(found));
        let expressions = check.expressions();
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("username", text(username.as_str()))
            .condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(expressions.values);
        let delete = TransactWriteItem::builder().delete(delete.build()?).build();
        others.insert(0, delete);
        write_all(&self.client, others).await
    }
}

/// Applies a change to the item that `update` names, and other writes, atomically.
/// [`StoreError::Conflict`] if the condition of the change or of another write does not hold.
pub async fn change_with(
    client: &Client,
    update: UpdateBuilder,
    change: &Change,
    mut others: Vec<TransactWriteItem>,
) -> Result<(), StoreError> {
    let expressions = change.expressions();
    let update = update
        .update_expression(expressions.update)
        .condition_expression(expressions.condition)
        .set_expression_attribute_names(Some(expressions.names))
        .set_expression_attribute_values(expressions.values)
        .build()?;
    others.insert(0, TransactWriteItem::builder().update(update).build());
    write_all(client, others).await
}

/// Makes all writes atomically. [`StoreError::Conflict`] if a condition does not hold.
pub async fn write_all(client: &Client, writes: Vec<TransactWriteItem>) -> Result<(), StoreError> {
    let request = client.transact_write_items();
    let request = request.set_transact_items(Some(writes));
    let mut backoff = Backoff::interactive();
    loop {
        let Err(error) = request.clone().send().await else {
            return Ok(());
        };
        match cancellation(&error) {
            Some(Cancellation::Condition) => return Err(StoreError::Conflict),
            Some(Cancellation::Busy) if backoff.wait().await => {}
            _ => return Err(StoreError::unavailable(error)),
        }
    }
}

fn account(item: &Item) -> Result<Account, StoreError> {
    item::account(item).ok_or(StoreError::Malformed)
}

/// Reads the profile of an item of `email-index`.
fn profile(item: &Item) -> Result<Profile, StoreError> {
    let profile = item::profile(item).filter(|profile| profile.email.is_some());
    profile.ok_or(StoreError::Malformed)
}
