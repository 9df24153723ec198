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
const MOST_WRITES: usize = 100;

/// For a table with too much to do: 19 seconds in all, in which an on-demand table has grown.
fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(50), 9)
}

/// What an import does with an account that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leaves it.
    Keep,
    /// Makes it as the file has it.
    Overwrite,
}

impl Existing {
    /// How many accounts a transaction holds: one that may replace another one has an audit row as
    /// well. More rows, of roles for instance, make it two transactions.
    #[must_use]
    pub fn batch(self) -> usize {
        match self {
            Self::Keep => MOST_WRITES,
            Self::Overwrite => MOST_WRITES / 2,
        }
    }
}

/// An account to write.
#[derive(Debug)]
pub struct Import {
    account: NewAccount,
    /// The change of the account that exists; `None` adds a new one.
    change: Option<Change>,
    audit: Vec<audit::Row>,
}

impl Import {
    /// A new account, and the audit rows that are written with it.
    #[must_use]
    pub fn new(account: NewAccount, audit: Vec<audit::Row>) -> Self {
        Self {
            account,
            change: None,
            audit,
        }
    }

    /// Changes the account that exists instead.
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

/// The result for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Written.
    Written,
    /// An account with this name and customer number exists already, or has changed since it was
    /// read.
    Present,
    /// The name is that of another customer.
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
    /// Writes to the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String, now: Timestamp) -> Self {
        Self { client, table, now }
    }

    /// Writes accounts; the results are in their order. [`Existing::batch`] of them are one
    /// transaction, if no more rows than that come with them.
    pub async fn write(&self, imports: &[Import]) -> Result<Vec<Imported>, StoreError> {
        let mut results = Vec::with_capacity(imports.len());
        let mut rest = imports;
        while !rest.is_empty() {
            let mut writes = 0;
            let fits = |import: &&Import| {
                writes += import.writes();
                writes <= MOST_WRITES
            };
            let (first, others) = rest.split_at(rest.iter().take_while(fits).count());
            results.extend(self.write_at_once(first).await?);
            rest = others;
        }
        Ok(results)
    }

    /// Writes the accounts of one transaction.
    ///
    /// Conditions decide which can be written. They are checked for all accounts in one
    /// transaction, which fails as a whole and names those that cannot; the others follow in a
    /// second one. So a hundred accounts that exist already cost one call.
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
            settle(&mut open, &error, lost_at);
            if open.len() == tried {
                if !(is_temporary(&error) && backoff.wait().await) {
                    return Err(StoreError::unavailable(error));
                }
                is_lost |= error.as_service_error().is_none();
            }
        }
        Ok(results)
    }

    /// The writes of these accounts, each followed by its audit rows.
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

    /// A whole item is half as long a request as its update, and all there is when it is new.
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

/// Takes out the accounts that could not be written, with their results.
fn settle(
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

/// The result for an account that could not be written, by the account that exists. If the answer to
/// a call was lost, that call may have written it.
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
