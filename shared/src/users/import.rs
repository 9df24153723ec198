//! Many accounts at once.

use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::item::{self, Item};
use super::operators::{self, NewAccount};
use super::store::{self, Cancellation, StoreError, Users};
use crate::attribute::text;
use crate::clock::Timestamp;

/// The most writes of one call: the limit of `TransactWriteItems`.
const MOST_WRITES: usize = 100;

/// Pauses before accounts that met a table with too much to do are tried again: 20 seconds in all,
/// in which an on-demand table has grown.
const PAUSES_MS: [u64; 9] = [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 6_400];

/// Codes of errors that pass (DynamoDB developer guide, "Error handling").
const TEMPORARY: [&str; 6] = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// What an import does with an account that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leaves it.
    Keep,
    /// Makes it as the import has it.
    Overwrite,
}

impl Existing {
    /// The most accounts of one call: one that may replace something has an audit row as well.
    #[must_use]
    pub fn batch(self) -> usize {
        match self {
            Self::Keep => MOST_WRITES,
            Self::Overwrite => MOST_WRITES / 2,
        }
    }
}

/// An account to be written.
#[derive(Debug)]
pub struct Import {
    /// The account.
    pub account: NewAccount,
    /// The audit row that is written with it.
    pub audit: Option<Put>,
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Written.
    Written,
    /// An account with this name and customer number is there already.
    Present,
    /// The name is that of another customer.
    Taken,
}

impl Users {
    /// Writes up to [`Existing::batch`] accounts and says, in their order, what became of each.
    ///
    /// Conditions decide which can be written. They are checked for all accounts in one
    /// transaction, which fails as a whole and names those that cannot; the others follow in a
    /// second one. So what is there already costs one call for a hundred accounts.
    pub async fn import(
        &self,
        imports: &[Import],
        existing: Existing,
        now: Timestamp,
    ) -> Result<Vec<Imported>, StoreError> {
        let mut results = vec![Imported::Written; imports.len()];
        let mut open: Vec<_> = imports.iter().zip(&mut results).collect();
        let mut pauses = PAUSES_MS.iter();
        let mut lost_at = None;
        while !open.is_empty() {
            let mut writes = Vec::new();
            for (import, _) in &open {
                writes.push(match existing {
                    Existing::Keep => self.creation(&import.account, now)?,
                    Existing::Overwrite => self.replacement(&import.account, now)?,
                });
                let audit = import.audit.clone();
                writes.extend(audit.map(|row| TransactWriteItem::builder().put(row).build()));
            }
            let request = self.client.transact_write_items();
            let Err(error) = request.set_transact_items(Some(writes)).send().await else {
                break;
            };
            let tried = open.len();
            let mut reasons = store::cancellation_reasons(&error).iter();
            open.retain_mut(|(import, result)| {
                let reason = reasons.next();
                if import.audit.is_some() {
                    reasons.next();
                }
                let refused = reason.filter(|r| r.code() == Some("ConditionalCheckFailed"));
                if let Some(reason) = refused {
                    **result = outcome(&import.account, reason.item(), lost_at);
                }
                refused.is_none()
            });
            if open.len() == tried {
                match pauses.next() {
                    Some(pause) if is_temporary(&error) => {
                        if error.as_service_error().is_none() {
                            lost_at = Some(now);
                        }
                        tokio::time::sleep(Duration::from_millis(*pause)).await;
                    }
                    _ => return Err(StoreError::unavailable(error)),
                }
            }
        }
        Ok(results)
    }

    /// A whole item is half as long a request as its update, and all there is when it is new.
    fn creation(
        &self,
        account: &NewAccount,
        now: Timestamp,
    ) -> Result<TransactWriteItem, BuildError> {
        let mut item = Item::new();
        operators::import(account, now).apply(&mut item);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .item("username", text(account.username.as_str()))
            .condition_expression("attribute_not_exists(username)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn replacement(
        &self,
        account: &NewAccount,
        now: Timestamp,
    ) -> Result<TransactWriteItem, BuildError> {
        let expressions = operators::overwrite(account, now).expressions();
        let update = Update::builder()
            .table_name(&self.table)
            .key("username", text(account.username.as_str()))
            .update_expression(expressions.update)
            .condition_expression(expressions.condition)
            .set_expression_attribute_names(Some(expressions.names))
            .set_expression_attribute_values(expressions.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }
}

/// What the account that is there says of one that could not be written. If the answer to a call
/// was lost, that call may have written it.
fn outcome(account: &NewAccount, found: Option<&Item>, lost_at: Option<Timestamp>) -> Imported {
    let number = |name| found.and_then(|found| item::number(found, name));
    if number("id") != Some(account.id) {
        Imported::Taken
    } else if lost_at.is_some_and(|now| number("imported_at") == Some(now.0)) {
        Imported::Written
    } else {
        Imported::Present
    }
}

fn is_temporary(error: &SdkError<TransactWriteItemsError>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        _ => {
            store::cancellation(error) == Some(Cancellation::Busy)
                || error.code().is_some_and(|code| TEMPORARY.contains(&code))
        }
    }
}
