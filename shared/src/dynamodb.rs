//! DynamoDB: attribute values, items, errors, and retries of writes.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};

use password::{ExposeSecret as _, Secret};

/// An item of a table: its attributes by name.
pub type Item = HashMap<String, AttributeValue>;

/// Makes a string attribute.
#[must_use]
pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Makes a number attribute.
#[must_use]
pub fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Makes a string attribute that holds a password hash.
#[must_use]
pub fn secret(value: &Secret) -> AttributeValue {
    text(value.expose_secret())
}

/// The string attribute with this name.
#[must_use]
pub fn get_text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The number attribute with this name, if it is a non-negative integer.
#[must_use]
pub fn get_number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The boolean attribute with this name; `false` if it is missing.
#[must_use]
pub fn get_flag(item: &Item, name: &str) -> bool {
    let flag = item.get(name).and_then(|flag| flag.as_bool().ok());
    flag.copied().unwrap_or_default()
}

/// The map attribute with this name.
#[must_use]
pub fn get_map<'i>(item: &'i Item, name: &str) -> Option<&'i Item> {
    item.get(name)?.as_m().ok()
}

/// The reason a table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The condition of a write does not hold: another change came first.
    #[error("the condition of the change does not hold")]
    Conflict,
    /// An account's item lacks an attribute that every account has, or has a malformed one.
    #[error(
        "an item of the Users table is unreadable: its id is missing or malformed, or its version \
         is malformed; repair it in DynamoDB"
    )]
    Malformed,
    /// DynamoDB was too busy in every attempt.
    #[error("DynamoDB is too busy")]
    Busy,
    /// DynamoDB refused the call or did not answer.
    #[error("DynamoDB failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps an error of the SDK.
    pub fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<BuildError> for StoreError {
    fn from(error: BuildError) -> Self {
        Self::unavailable(error)
    }
}

/// Exponential backoff: pauses between attempts at a call, each twice as long as the previous one,
/// up to 6.4 s.
#[derive(Debug)]
pub struct Backoff {
    pause: Duration,
    attempts: u32,
}

impl Backoff {
    /// The maximum pause.
    const LIMIT: Duration = Duration::from_millis(6_400);

    /// Allows `attempts` further attempts, the first of them after `pause`.
    #[must_use]
    pub fn new(pause: Duration, attempts: u32) -> Self {
        Self { pause, attempts }
    }

    /// Backoff for a call that a client waits for: four further attempts within 300 ms.
    #[must_use]
    pub fn interactive() -> Self {
        Self::new(Duration::from_millis(20), 4)
    }

    /// Waits before the next attempt. Returns `false` at once if none is left.
    pub async fn wait(&mut self) -> bool {
        let Some(left) = self.attempts.checked_sub(1) else {
            return false;
        };
        tokio::time::sleep(self.pause).await;
        self.attempts = left;
        self.pause = Self::LIMIT.min(self.pause * 2);
        true
    }
}

/// The reason DynamoDB cancelled a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// A condition did not hold.
    Condition,
    /// Another transaction was using an item, or the table was throttled.
    Busy,
}

/// Codes of temporary cancellation reasons (API reference, `CancellationReason`).
const BUSY_REASONS: [&str; 3] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
];

/// Codes of temporary errors (DynamoDB developer guide, "Error handling").
const TEMPORARY_ERRORS: [&str; 6] = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
];

/// The reason the transaction was cancelled. `None` if it failed in another way.
#[must_use]
pub fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Option<Cancellation> {
    let reasons = cancellation_reasons(error);
    let has = |code| reasons.iter().any(|r| r.code() == Some(code));
    if has("ConditionalCheckFailed") {
        Some(Cancellation::Condition)
    } else if BUSY_REASONS.iter().any(|code| has(code)) {
        Some(Cancellation::Busy)
    } else {
        None
    }
}

/// The cancellation reasons, one for each write of the transaction. Empty if it failed in another
/// way.
#[must_use]
pub fn cancellation_reasons(error: &SdkError<TransactWriteItemsError>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

/// Whether the same transaction may succeed later.
#[must_use]
pub fn is_temporary(error: &SdkError<TransactWriteItemsError>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        _ => {
            cancellation(error) == Some(Cancellation::Busy)
                || error
                    .code()
                    .is_some_and(|code| TEMPORARY_ERRORS.contains(&code))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_until_no_attempt_is_left() {
        let began = Instant::now();
        let mut backoff = Backoff::interactive();
        for elapsed in [20, 60, 140, 300] {
            assert!(backoff.wait().await);
            assert_eq!(began.elapsed(), Duration::from_millis(elapsed));
        }
        assert!(!backoff.wait().await);
        assert_eq!(began.elapsed(), Duration::from_millis(300));

        let mut patient = Backoff::new(Duration::from_secs(5), 3);
        let began = Instant::now();
        while patient.wait().await {}
        assert_eq!(began.elapsed(), Duration::from_millis(5_000 + 2 * 6_400));
    }
}
