//! The calls to DynamoDB.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{
    CancellationReason, KeysAndAttributes, Put, ReturnValue, TransactWriteItem, Update,
};

use super::change::Change;
use super::item::{self, Item};
use super::protocol::{self, Pending, Promotion, RESET_QUEUE, ResetMode};
use super::{User, UsernameKey};
use crate::attribute::{number, text};
use crate::clock::Timestamp;
use password::Secret;

/// Pauses before a change that met a transaction is tried again.
const PAUSES_MS: [u64; 4] = [20, 40, 80, 160];

/// Why the table did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The account is not, or no longer, as the change requires.
    #[error("the account is not as the change requires")]
    Conflict,
    /// An item that cannot be an account.
    #[error("an item of the users table lacks an attribute that every account has")]
    Malformed,
    /// DynamoDB had too much to do to read all that it was asked for.
    #[error("DynamoDB is too busy")]
    Busy,
    /// DynamoDB refused or did not answer.
    #[error("DynamoDB failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::unavailable(error)
    }
}

/// What `email-index` knows of an account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The key of the account.
    pub username: String,
    /// The user name as it was entered.
    pub display_username: String,
    /// The customer number.
    pub id: u64,
    /// The address on file.
    pub email: String,
    /// The name of the person.
    pub display_name: String,
    /// The brand, in key form.
    pub brand: Option<String>,
    /// The language of the person, a BCP 47 tag.
    pub language: Option<String>,
}

impl fmt::Debug for Account {
    /// Without the address and the name of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// An item that was read, if there is one.
#[derive(Clone)]
pub struct Found(Option<Item>);

impl Found {
    /// The account.
    pub fn user(&self) -> Result<Option<User>, StoreError> {
        self.0.as_ref().map(user).transpose()
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(..)")
    }
}

/// The Users table.
#[derive(Debug, Clone)]
pub struct Users {
    pub(super) client: Client,
    pub(super) table: String,
}

impl Users {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Whether the table answers: reads an item that does not exist.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.find(&UsernameKey::new("")).await.map(|_| ())
    }

    /// The account with this key, as it is now.
    pub async fn find(&self, username: &UsernameKey) -> Result<Option<User>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("username", text(username.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        output.item.as_ref().map(user).transpose()
    }

    /// The same, and what is to be read of another table, in one request where DynamoDB has not
    /// too much to do.
    pub async fn find_with(
        &self,
        username: &UsernameKey,
        (other, keys): (String, KeysAndAttributes),
    ) -> Result<(Found, Vec<Item>), StoreError> {
        let key = Item::from([("username".to_owned(), text(username.as_str()))]);
        let key = KeysAndAttributes::builder().keys(key).consistent_read(true);
        let tables = [(self.table.clone(), key.build()?), (other.clone(), keys)];
        let mut items = self.read(tables.into()).await?;
        let mut of = |table| items.remove(table).unwrap_or_default();
        Ok((Found(of(&self.table).pop()), of(&other)))
    }

    /// The SDK does not ask again for what a table did not get to.
    async fn read(
        &self,
        mut tables: HashMap<String, KeysAndAttributes>,
    ) -> Result<HashMap<String, Vec<Item>>, StoreError> {
        let mut items: HashMap<_, Vec<_>> = HashMap::new();
        let mut pauses = PAUSES_MS.iter();
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
            sleep(*pauses.next().ok_or(StoreError::Busy)?).await;
        }
    }

    /// The accounts with this address, whatever their brand.
    pub async fn with_email(&self, email_key: &str) -> Result<Vec<Account>, StoreError> {
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
        let accounts = output.items.unwrap_or_default();
        accounts
            .iter()
            .map(|found| account(found).ok_or(StoreError::Malformed))
            .collect()
    }

    /// Keeps `pending` beside the old password; gives the account, or nothing when there is none
    /// that may be reset: unknown, disabled, without an address, or being reset by another request.
    /// One call in every case.
    pub async fn reserve(
        &self,
        username: &UsernameKey,
        pending: &Pending<'_>,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let change = protocol::reserve(pending, now);
        let found = self.update(username.as_str(), &change).await?;
        found.as_ref().map(user).transpose()
    }

    /// Resets whose mail was not accepted and that are due, the longest waiting first.
    pub async fn due(&self, now: Timestamp, most: i32) -> Result<Vec<String>, StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("pending-reset-index")
            .key_condition_expression("reset_queue = :queue AND reset_due_at <= :now")
            .expression_attribute_values(":queue", text(RESET_QUEUE))
            .expression_attribute_values(":now", number(now.0))
            .limit(most)
            .send()
            .await
            .map_err(StoreError::unavailable)?;
        let keys = output.items.unwrap_or_default();
        Ok(keys
            .iter()
            .filter_map(|key| item::text(key, "username"))
            .collect())
    }

    /// All resets whose mail was not accepted, the longest waiting first, with the time of the next
    /// attempt.
    pub async fn pending(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("pending-reset-index")
            .key_condition_expression("reset_queue = :queue")
            .expression_attribute_values(":queue", text(RESET_QUEUE))
            .into_paginator()
            .items()
            .send();
        let mut pending = Vec::new();
        while let Some(key) = pages.next().await {
            let key = key.map_err(StoreError::unavailable)?;
            let due_at = item::number(&key, "reset_due_at").map(Timestamp);
            pending.extend(item::text(&key, "username").zip(due_at));
        }
        Ok(pending)
    }

    /// Replaces the pending password of a failed request; gives the account, or nothing when
    /// another change came first or the account may no longer be reset.
    pub async fn retry(
        &self,
        username: &str,
        pending: &Pending<'_>,
        failed_request_id: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let change = protocol::retry(pending, failed_request_id, now);
        let found = self.update(username, &change).await?;
        found.as_ref().map(user).transpose()
    }

    /// Makes the pending password of this request valid and writes the audit row, both or neither.
    /// [`StoreError::Conflict`] when another change came first.
    pub async fn promote(
        &self,
        username: &str,
        promotion: &Promotion<'_>,
        mode: ResetMode,
        audit: Put,
    ) -> Result<(), StoreError> {
        let change = protocol::promote(promotion, mode);
        self.change(username, &change, audit).await
    }

    /// Gives a failed reset up and writes the audit row, both or neither. [`StoreError::Conflict`]
    /// when another change came first.
    pub async fn abandon(
        &self,
        username: &str,
        failed_request_id: &str,
        now: Timestamp,
        audit: Put,
    ) -> Result<(), StoreError> {
        let change = protocol::abandon(failed_request_id, now);
        self.change(username, &change, audit).await
    }

    /// Ends a reset that an administrator's password came before, once its user knows. Nothing
    /// happens when another request has taken it over.
    pub async fn settle(&self, username: &str, request_id: &str) -> Result<(), StoreError> {
        let change = protocol::settle(request_id);
        self.update(username, &change).await.map(|_| ())
    }

    /// Puts a temporary password that was used in the old one's place and writes the audit row,
    /// both or neither. [`StoreError::Conflict`] when another change came first.
    pub async fn use_temporary(
        &self,
        user: &User,
        now: Timestamp,
        audit: Put,
    ) -> Result<(), StoreError> {
        let temporary = user.temporary.as_ref().ok_or(StoreError::Conflict)?;
        let change = protocol::use_temporary(&temporary.hash, temporary.expires_at, now);
        self.change(&user.username, &change, audit).await
    }

    /// Withdraws the temporary password that this request mailed and writes the audit row, both or
    /// neither. [`StoreError::Conflict`] when it is not there any more.
    pub async fn withdraw(
        &self,
        username: &str,
        request_id: &str,
        audit: Put,
    ) -> Result<(), StoreError> {
        let change = protocol::withdraw(request_id);
        self.change(username, &change, audit).await
    }

    /// Marks the address of an account as one that mail does not reach and writes the audit row,
    /// both or neither. [`StoreError::Conflict`] when the account has another address now.
    pub async fn mark_address(
        &self,
        account: &Account,
        now: Timestamp,
        audit: Put,
    ) -> Result<(), StoreError> {
        let change = protocol::mark_address(&account.email, now);
        self.change(&account.username, &change, audit).await
    }

    /// Sets a password that an administrator chose and writes the audit row, both or neither. What
    /// was mailed before does not work any more. [`StoreError::Conflict`] when the account is gone or has
    /// another address now.
    pub async fn set_password(
        &self,
        account: &Account,
        hash: &Secret,
        now: Timestamp,
        audit: Put,
    ) -> Result<(), StoreError> {
        let change = protocol::set_password(hash, &account.email, now);
        self.change(&account.username, &change, audit).await
    }

    /// Replaces the hash of an unchanged password by one with today's parameters.
    pub async fn rehash(&self, user: &User, hash: &Secret) -> Result<(), StoreError> {
        let old = user.password_hash.as_ref().ok_or(StoreError::Conflict)?;
        let found = self
            .update(&user.username, &protocol::rehash(old, hash))
            .await?;
        found.map(|_| ()).ok_or(StoreError::Conflict)
    }

    /// The item after the change; nothing when its condition does not hold.
    async fn update(&self, username: &str, change: &Change) -> Result<Option<Item>, StoreError> {
        let expressions = change.expressions();
        let request = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("username", text(username))
            .update_expression(expressions.update)
            .condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(expressions.values)
            .return_values(ReturnValue::AllNew);
        let mut pauses = PAUSES_MS.iter();
        loop {
            match request.clone().send().await {
                Ok(output) => return output.attributes.ok_or(StoreError::Malformed).map(Some),
                Err(error) => match (error.code(), pauses.next()) {
                    (Some("ConditionalCheckFailedException"), _) => return Ok(None),
                    (Some("TransactionConflictException"), Some(pause)) => sleep(*pause).await,
                    _ => return Err(StoreError::unavailable(error)),
                },
            }
        }
    }

    /// Makes a change and writes the audit row, both or neither. [`StoreError::Conflict`] when the
    /// account is not as the change requires.
    pub async fn change(
        &self,
        username: &str,
        change: &Change,
        audit: Put,
    ) -> Result<(), StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("username", text(username));
        change_audited(&self.client, update, change, audit).await
    }
}

/// Makes a change of the item that `update` names and writes the audit row, both or neither.
/// [`StoreError::Conflict`] when the item is not as the change requires.
pub(crate) async fn change_audited(
    client: &Client,
    update: UpdateBuilder,
    change: &Change,
    audit: Put,
) -> Result<(), StoreError> {
    let expressions = change.expressions();
    let update = update
        .update_expression(expressions.update)
        .condition_expression(expressions.condition)
        .set_expression_attribute_names(Some(expressions.names))
        .set_expression_attribute_values(expressions.values)
        .build()?;
    let request = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().update(update).build())
        .transact_items(TransactWriteItem::builder().put(audit).build());
    let mut pauses = PAUSES_MS.iter();
    loop {
        let Err(error) = request.clone().send().await else {
            return Ok(());
        };
        match (cancellation(&error), pauses.next()) {
            (Some(Cancellation::Condition), _) => return Err(StoreError::Conflict),
            (Some(Cancellation::Busy), Some(pause)) => sleep(*pause).await,
            _ => return Err(StoreError::unavailable(error)),
        }
    }
}

async fn sleep(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

fn user(found: &Item) -> Result<User, StoreError> {
    item::user(found).ok_or(StoreError::Malformed)
}

fn account(found: &Item) -> Option<Account> {
    let username = item::text(found, "username")?;
    Some(Account {
        display_username: item::text(found, "display_username").unwrap_or_else(|| username.clone()),
        id: item::number(found, "id")?,
        email: item::text(found, "email")?,
        display_name: item::text(found, "display_name").unwrap_or_default(),
        brand: item::brand(found),
        language: item::text(found, "language"),
        username,
    })
}

/// Why DynamoDB cancelled a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancellation {
    /// A condition did not hold.
    Condition,
    /// Another transaction was at work on the item, or the table had too much to do.
    Busy,
}

/// Codes of cancellation reasons that pass (API reference, `CancellationReason`).
const BUSY: [&str; 3] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];

pub(super) fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Option<Cancellation> {
    let reasons = cancellation_reasons(error);
    let has = |code| reasons.iter().any(|r| r.code() == Some(code));
    if has("ConditionalCheckFailed") {
        Some(Cancellation::Condition)
    } else if BUSY.iter().any(|code| has(code)) {
        Some(Cancellation::Busy)
    } else {
        None
    }
}

/// One for each write of a transaction that was cancelled; none when it failed otherwise.
pub(super) fn cancellation_reasons(
    error: &SdkError<TransactWriteItemsError>,
) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}
