//! The sweep: finishes resets whose mail was not accepted, so that no accepted request is forgotten.

use std::time::Duration;

use serde::Serialize;
use shared::clock::Timestamp;
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::metrics::{self, Metric};
use shared::users::{Account, Pending, PendingReset, UsernameKey};
use tokio::time::Instant;

use crate::delivery::ResetOutcome;
use crate::operation::{RESERVATION_SECONDS, ResetFailure, ResetUserPassword};

/// How many passwords are made for one reset before it is abandoned.
const MAX_ATTEMPTS: u64 = 5;
/// How many resets one sweep takes on.
const BATCH: i32 = 25;
/// How long a sweep begins further resets: the function ends after 20 seconds.
const TIME_BUDGET: Duration = Duration::from_secs(10);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Resets that were due.
    due: u32,
    /// Passwords that are mailed and work.
    reset: u32,
    /// Mails that were not accepted again: a later sweep tries once more.
    postponed: u32,
    /// Resets that were given up.
    abandoned: u32,
    /// Resets that another request changed meanwhile, or that are left to a later sweep for lack of
    /// time.
    skipped: u32,
    /// Resets that DynamoDB or the hash failed: a later sweep tries again.
    failed: u32,
}

impl Summary {
    fn count(&mut self, outcome: &ResetOutcome) {
        *match outcome {
            ResetOutcome::Done => &mut self.reset,
            ResetOutcome::MailNotAccepted { .. } => &mut self.postponed,
            ResetOutcome::Abandoned => &mut self.abandoned,
            ResetOutcome::NotCounted | ResetOutcome::Failed => &mut self.failed,
            ResetOutcome::Limited { .. }
            | ResetOutcome::NotEligible
            | ResetOutcome::Overdue
            | ResetOutcome::Superseded => &mut self.skipped,
        } += 1;
    }
}

/// Tries every reset that is due once more, with a new password: nobody has seen the old one. Two
/// sweeps at once share the work: the first to reserve an account has it.
pub(crate) async fn sweep(
    operation: &ResetUserPassword,
    request_id: &str,
    now: Timestamp,
) -> Result<Summary, StoreError> {
    let began = Instant::now();
    let mut summary = Summary::default();
    for username in operation.delivery.users.due(now, BATCH).await? {
        summary.due += 1;
        if began.elapsed() > TIME_BUDGET {
            summary.skipped += 1;
            continue;
        }
        let finished = finish(operation, &username, request_id, now).await;
        summary.count(&finished.unwrap_or_else(|error| {
            let error: &dyn std::error::Error = &error;
            metrics::count(Metric::Failures);
            tracing::error!(%request_id, error, event = "sweep.failed", "sweep");
            ResetOutcome::Failed
        }));
    }
    tracing::info!(%request_id, ?summary, event = "sweep.done", "sweep");
    Ok(summary)
}

/// Makes the next attempt for one account. [`ResetOutcome::NotEligible`] if another request was
/// faster, or the index behind the table.
async fn finish(
    operation: &ResetUserPassword,
    username: &UsernameKey,
    sweep_id: &str,
    now: Timestamp,
) -> Result<ResetOutcome, ResetFailure> {
    let account = operation.delivery.users.find(username).await?;
    let Some(account) = account else {
        return Ok(ResetOutcome::NotEligible);
    };
    let Some(reset) = &account.reset else {
        return Ok(ResetOutcome::NotEligible);
    };
    let attempt = reset.attempts + 1;
    let ctx = RequestContext {
        request_id: &format!("{sweep_id}-{attempt}"),
        source: "sweep",
        actor: None,
        requester: None,
        now,
    };
    let is_eligible = !account.disabled && account.profile.email.is_some();
    if attempt > MAX_ATTEMPTS || !is_eligible {
        return Ok(abandon(operation, &account, reset, &ctx).await?);
    }
    let password = operation.passwords.generate().await?;
    let pending = Pending {
        hash: &password.hash,
        request_id: ctx.request_id,
        attempts: attempt,
        requested_at: reset.requested_at.unwrap_or(now),
        expires_at: now.plus_seconds(RESERVATION_SECONDS),
        due_at: now.plus_seconds(delay_seconds(attempt)),
        by_operator: reset.by_operator,
    };
    let users = &operation.delivery.users;
    let reserved = users
        .retry(username, &pending, &reset.request_id, now)
        .await?;
    let Some(account) = reserved else {
        return Ok(ResetOutcome::NotEligible);
    };
    let outcome = operation.delivery.deliver(&account, &password, &ctx);
    let outcome = outcome.await?;
    if outcome.is_pending() {
        metrics::count(Metric::ResetPending);
    }
    Ok(outcome)
}

async fn abandon(
    operation: &ResetUserPassword,
    account: &Account,
    reset: &PendingReset,
    ctx: &RequestContext<'_>,
) -> Result<ResetOutcome, StoreError> {
    let username = &account.profile.username;
    let delivery = &operation.delivery;
    let entry = ctx.audit(username.as_str(), "password.reset_abandoned");
    let row = delivery.audit.row(&entry);
    let abandoned = delivery
        .users
        .abandon(username, &reset.request_id, ctx.now, &row);
    match abandoned.await {
        Ok(()) => {
            let (request_id, outcome) = (ctx.request_id, ResetOutcome::Abandoned);
            metrics::count(Metric::ResetAbandoned);
            tracing::error!(%request_id, event = outcome.event(), "a reset was given up");
            Ok(outcome)
        }
        Err(StoreError::Conflict) => Ok(ResetOutcome::NotEligible),
        Err(error) => Err(error),
    }
}

/// The time from an attempt's reservation to the next attempt: 1, 2, 4, 8 minutes, never shorter
/// than a reservation lasts.
fn delay_seconds(attempt: u64) -> u64 {
    RESERVATION_SECONDS << (attempt - 1).min(MAX_ATTEMPTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow() {
        let delays: Vec<_> = (1..=5).map(delay_seconds).collect();
        assert_eq!(delays, [60, 120, 240, 480, 960]);
    }
}
