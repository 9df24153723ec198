//! Writes accounts in batches.

use std::fmt;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use shared::audit;
use shared::clock::Timestamp;
use shared::dynamodb::{
    Backoff, Item, StoreError, cancellation_reasons, get_number, is_temporary, text,
};
use shared::users::{Change, NewAccount, admin};

/// The limit of `TransactWriteItems`.
const MAX_WRITES: usize = 100;

/// Returns the backoff for a throttled table: 19 seconds in total, in which an on-demand table
/// scales up.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(50), 9)
}

/// The treatment of accounts that already exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Skip the account.
    Keep,
    /// Overwrite the account with the values in the file.
    Overwrite,
}

impl Existing {
    /// Returns the number of accounts per transaction. An overwrite writes an audit row with each
    /// account. If there are more rows, for instance for roles, the batch is split.
    #[must_use]
    pub fn batch(self) -> usize {
        match self {
            Self::Keep => MAX_WRITES,
            Self::Overwrite => MAX_WRITES / 2,
        }
    }
}

/// An account to write.
#[derive(Debug)]
pub struct Import {
    account: NewAccount,
    /// The change to the existing account; `None` adds a new one.
    change: Option<Change>,
    audit: Vec<audit::Row>,
}

impl Import {
    /// Adds a new account, and writes the audit rows with it.
    #[must_use]
    pub fn new(account: NewAccount, audit: Vec<audit::Row>) -> Self {
        Self {
            account,
            change: None,
            audit,
        }
    }

    /// Changes the existing account instead.
    #[must_use]
    pub(super) fn replacing(self, change: Change) -> Self {
        Self {
            change: Some(change),
            ..self
        }
    }

    fn writes(&self) -> usize {
        1 + self.audit.len()
    }
}

/// The result of writing an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The account was written.
    Written,
    /// An account with this user name and customer number already exists, or changed after it was
    /// read.
    Present,
    /// The user name belongs to another customer.
    Taken,
}

/// Writes accounts to the Users table.
#[derive(Clone)]
pub struct Importer {
    client: Client,
    table: String,
    now: Timestamp,
}

impl fmt::Debug for Importer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Importer {
    /// Returns an importer that writes to the table with this name.
    #[must_use]
    pub fn new(client: Client, table: String, now: Timestamp) -> Self {
        Self { client, table, now }
    }

    /// Writes accounts and returns the results in the same order. Splits them into transactions of
    /// at most 100 writes.
    pub async fn write(&self, imports: &[Import]) -> Result<Vec<Imported>, StoreError> {
        let mut results = Vec::with_capacity(imports.len());
        let mut rest = imports;
        while !rest.is_empty() {
            let mut writes = 0;
            let fits = |import: &&Import| {
                writes += import.writes();
                writes <= MAX_WRITES
            };
            let (first, others) = rest.split_at(rest.iter().take_while(fits).count());
            results.extend(self.write_at_once(first).await?);
            rest = others;
        }
        Ok(results)
    }

    /// Writes the accounts of one transaction.
    ///
    /// If the condition of any account fails, the whole transaction fails and names these accounts.
    /// A second transaction writes the others. So a hundred existing accounts cost a single call.
    async fn write_at_once(&self, imports: &[Import]) -> Result<Vec<Imported>, StoreError> {
        let mut results = vec![Imported::Written; imports.len()];
        let mut open: Vec<_> = imports.iter().zip(&mut results).collect();
        let mut backoff = backoff();
        let mut is_lost = false;
        while !open.is_empty() {
            let writes = self.writes(open.iter().map(|(import, _)| *import))?;
            let request = self.client.transact_write_items();
            let Err(error) = request.set_transact_items(Some(writes)).send().await else {
                break;
            };
            let tried = open.len();
            let lost_at = is_lost.then_some(self.now);
            remove_refused(&mut open, &error, lost_at);
            if open.len() == tried {
                if !(is_temporary(&error) && backoff.wait().await) {
                    return Err(StoreError::unavailable(error));
                }
                is_lost |= error.as_service_error().is_none();
            }
        }
        Ok(results)
    }

    /// Returns the writes of these accounts, each followed by its audit rows.
    fn writes<'i>(
        &self,
        imports: impl Iterator<Item = &'i Import>,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut writes = Vec::new();
        for import in imports {
            writes.push(match &import.change {
                None => self.creation(&import.account)?,
                Some(change) => self.replacement(&import.account, change)?,
            });
            for row in &import.audit {
                writes.push(row.write()?);
            }
        }
        Ok(writes)
    }

    /// Puts a new account as a whole item, which makes the request half as long as an update.
    fn creation(&self, account: &NewAccount) -> Result<TransactWriteItem, StoreError> {
        let mut item = Item::new();
        admin::import(account, self.now).apply(&mut item);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .item("username", text(account.profile.username.as_str()))
            .condition_expression("attribute_not_exists(username)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn replacement(
        &self,
        account: &NewAccount,
        change: &Change,
    ) -> Result<TransactWriteItem, StoreError> {
        let expressions = change.expressions();
        let update = Update::builder()
            .table_name(&self.table)
            .key("username", text(account.profile.username.as_str()))
            .update_expression(expressions.update)
            .condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(expressions.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

/// Removes the accounts whose condition failed, and sets their results.
fn remove_refused(
    open: &mut Vec<(&Import, &mut Imported)>,
    error: &SdkError<TransactWriteItemsError>,
    lost_at: Option<Timestamp>,
) {
    let mut reasons = cancellation_reasons(error).iter();
    open.retain_mut(|(import, result)| {
        let reason = reasons.next();
        for _ in &import.audit {
            reasons.next();
        }
        let refused = reason.filter(|r| r.code() == Some("ConditionalCheckFailed"));
        if let Some(reason) = refused {
            **result = outcome(&import.account, reason.item(), lost_at);
        }
        refused.is_none()
    });
}

/// Returns the result for an account whose condition failed, given the existing account. If the
/// answer to an earlier attempt was lost, that attempt may have written the account.
fn outcome(account: &NewAccount, found: Option<&Item>, lost_at: Option<Timestamp>) -> Imported {
    let number = |name: &str| found.and_then(|found| get_number(found, name));
    if number("id") != Some(account.profile.id) {
        Imported::Taken
    } else if lost_at.is_some_and(|now| number("imported_at") == Some(now.0)) {
        Imported::Written
    } else {
        Imported::Present
    }
}
