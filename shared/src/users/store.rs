//! The calls to DynamoDB.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValue, TransactWriteItem, Update};

use super::{User, UsernameKey, item};
use crate::clock::Timestamp;
use crate::password::{ExposeSecret as _, Secret};

/// How often a transaction that met another one is tried again.
const CONFLICT_RETRIES: u32 = 4;
const FIRST_RETRY_AFTER: Duration = Duration::from_millis(20);

/// The partition of `pending-reset-index`.
const RESET_QUEUE: &str = "pending";

/// Why the table did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The account is not, or no longer, as the change requires.
    #[error("the account is not as the change requires")]
    Conflict,
    /// An item that cannot be an account.
    #[error("an item of the users table lacks an attribute that every account has")]
    Malformed,
    /// DynamoDB refused or did not answer.
    #[error("DynamoDB failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::unavailable(error)
    }
}

/// A new password that waits for its mail: the old one keeps working.
#[derive(Debug)]
pub struct Pending<'a> {
    /// The PHC string of the new password.
    pub hash: &'a Secret,
    /// The request that made it.
    pub request_id: &'a str,
    /// Until then no other request may replace it.
    pub expires_at: Timestamp,
}

/// A mailed password takes the old one's place.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// The PHC string, as it was reserved.
    pub hash: &'a Secret,
    /// The request that reserved it.
    pub request_id: &'a str,
    /// Now.
    pub at: Timestamp,
    /// From when on it is no longer accepted.
    pub password_expires_at: Timestamp,
}

/// A password that an administrator chose.
#[derive(Debug)]
pub struct NewPassword<'a> {
    /// Its PHC string.
    pub hash: &'a Secret,
    /// Now.
    pub at: Timestamp,
}

/// What `email-index` knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The brand, in key form; `-` when there is none.
    pub brand: String,
}

/// The Users table.
#[derive(Debug, Clone)]
pub struct Users {
    client: Client,
    table: String,
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
        output
            .item
            .map(|found| item::user(&found).ok_or(StoreError::Malformed))
            .transpose()
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

    /// Keeps `pending` beside the old password and puts the account into the queue; gives the
    /// account, or nothing when there is none that may be reset: unknown, disabled, without an
    /// address, or being reset by another request. One call in every case; the SDK may repeat it
    /// when an answer is lost.
    pub async fn reserve(
        &self,
        username: &UsernameKey,
        pending: &Pending<'_>,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let reset = HashMap::from([
            ("hash".to_owned(), text(pending.hash.expose_secret())),
            ("request_id".to_owned(), text(pending.request_id)),
            ("expires_at".to_owned(), number(pending.expires_at.0)),
            ("attempts".to_owned(), number(1)),
        ]);
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("username", text(username.as_str()))
            .update_expression("SET #reset = :reset, reset_queue = :queue, reset_due_at = :due_at")
            .condition_expression(
                "attribute_exists(username) AND attribute_exists(email) \
                 AND (attribute_not_exists(#disabled) OR #disabled = :false) \
                 AND (attribute_not_exists(#reset) OR #reset.expires_at <= :now \
                 OR #reset.request_id = :request_id)",
            )
            .expression_attribute_names("#reset", "reset")
            .expression_attribute_names("#disabled", "disabled")
            .expression_attribute_values(":reset", AttributeValue::M(reset))
            .expression_attribute_values(":queue", text(RESET_QUEUE))
            .expression_attribute_values(":due_at", number(pending.expires_at.0))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":request_id", text(pending.request_id))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match result {
            Ok(output) => {
                let found = output.attributes.as_ref().ok_or(StoreError::Malformed)?;
                item::user(found).ok_or(StoreError::Malformed).map(Some)
            }
            Err(error) if is_condition_failure(&error) => Ok(None),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }

    /// Makes the pending password of this request the account's only one, and writes the audit
    /// row, both or neither. [`StoreError::Conflict`] when another change came first.
    pub async fn promote(
        &self,
        username: &str,
        promotion: &Promotion<'_>,
        audit: Put,
    ) -> Result<(), StoreError> {
        let update = self
            .update(username)
            .update_expression(
                "SET password_hash = :hash, password_changed_at = :now, \
                 sessions_valid_after = :now, must_change_password = :true, \
                 password_expires_at = :expires_at, \
                 version = if_not_exists(version, :zero) + :one \
                 REMOVE #reset, reset_queue, reset_due_at",
            )
            .condition_expression("#reset.request_id = :request_id")
            .expression_attribute_names("#reset", "reset")
            .expression_attribute_values(":hash", text(promotion.hash.expose_secret()))
            .expression_attribute_values(":request_id", text(promotion.request_id))
            .expression_attribute_values(":now", number(promotion.at.0))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":expires_at", number(promotion.password_expires_at.0))
            .build()?;
        self.change(update, audit).await
    }

    /// Sets a password that an administrator chose, ends all that was pending, and writes the
    /// audit row, both or neither. [`StoreError::Conflict`] when the account is gone or has
    /// another address now.
    pub async fn set_password(
        &self,
        account: &Account,
        password: &NewPassword<'_>,
        audit: Put,
    ) -> Result<(), StoreError> {
        let update = self
            .update(&account.username)
            .update_expression(
                "SET password_hash = :hash, password_changed_at = :now, \
                 sessions_valid_after = :now, version = if_not_exists(version, :zero) + :one \
                 REMOVE #reset, reset_queue, reset_due_at, #temporary, must_change_password, \
                 password_expires_at",
            )
            .condition_expression("attribute_exists(username) AND email = :email")
            .expression_attribute_names("#reset", "reset")
            .expression_attribute_names("#temporary", "temporary")
            .expression_attribute_values(":hash", text(password.hash.expose_secret()))
            .expression_attribute_values(":email", text(&account.email))
            .expression_attribute_values(":now", number(password.at.0))
            .build()?;
        self.change(update, audit).await
    }

    /// Replaces the hash of an unchanged password by one with today's parameters.
    pub async fn rehash(&self, user: &User, hash: &Secret) -> Result<(), StoreError> {
        let old = user
            .password_hash
            .as_ref()
            .map_or("", |old| old.expose_secret());
        self.client
            .update_item()
            .table_name(&self.table)
            .key("username", text(&user.username))
            .update_expression("SET password_hash = :hash")
            .condition_expression("password_hash = :old")
            .expression_attribute_values(":hash", text(hash.expose_secret()))
            .expression_attribute_values(":old", text(old))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| {
                if is_condition_failure(&error) {
                    StoreError::Conflict
                } else {
                    StoreError::unavailable(error)
                }
            })
    }

    fn update(&self, username: &str) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .key("username", text(username))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
    }

    async fn change(&self, update: Update, audit: Put) -> Result<(), StoreError> {
        let items = [
            TransactWriteItem::builder().update(update).build(),
            TransactWriteItem::builder().put(audit).build(),
        ];
        let mut wait = FIRST_RETRY_AFTER;
        for _ in 0..CONFLICT_RETRIES {
            match self.transact(items.to_vec()).await {
                Err(error) if cancellation(&error) == Some(Cancellation::Busy) => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                result => return result.map_err(change_error),
            }
        }
        self.transact(items.to_vec()).await.map_err(change_error)
    }

    async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        self.client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await
            .map(|_| ())
    }
}

fn account(found: &item::Item) -> Option<Account> {
    let username = item::text(found, "username")?;
    Some(Account {
        display_username: item::text(found, "display_username").unwrap_or_else(|| username.clone()),
        id: item::number(found, "id")?,
        email: item::text(found, "email")?,
        display_name: item::text(found, "display_name").unwrap_or_default(),
        brand: item::text(found, "brand").unwrap_or_else(|| "-".to_owned()),
        username,
    })
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn is_condition_failure<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

/// Why DynamoDB cancelled a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancellation {
    /// A condition did not hold.
    Condition,
    /// Another transaction was at work on the item.
    Busy,
}

fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Option<Cancellation> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return None;
    };
    let has = |code| {
        cancelled
            .cancellation_reasons()
            .iter()
            .any(|r| r.code() == Some(code))
    };
    if has("ConditionalCheckFailed") {
        Some(Cancellation::Condition)
    } else if has("TransactionConflict") {
        Some(Cancellation::Busy)
    } else {
        None
    }
}

fn change_error(error: SdkError<TransactWriteItemsError>) -> StoreError {
    match cancellation(&error) {
        Some(Cancellation::Condition) => StoreError::Conflict,
        _ => StoreError::unavailable(error),
    }
}
