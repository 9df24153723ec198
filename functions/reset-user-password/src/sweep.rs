//! The sweep: finishes resets whose email was not accepted, so that no accepted request is
//! forgotten.

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use shared::clock::{Clock, Timestamp};
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::metrics::{self, Metric};
use shared::users::{Account, Due, Operator, Pending, PendingReset, UsernameKey};

use crate::delivery::{MAX_REFUSALS, ResetOutcome};
use crate::operation::{RESERVATION_SECONDS, ResetFailure, ResetUserPassword};
use crate::pace::Pace;

/// The time after its request at which a reset is abandoned. It equals the maximum lifetime of a
/// mailed password.
const MAX_AGE_SECONDS: u64 = 24 * 3_600;
/// The number of resets that a sweep reads from each shard. All shards together yield more than a
/// sweep can mail, so that resets that fail do not block others.
const BATCH: usize = 1_000;
/// The number of resets in progress at once. At 100 emails per second, the highest rate, each may
/// take 160 ms.
const IN_FLIGHT: usize = 16;

/// The results of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Resets that were due.
    due: u32,
    /// Passwords that were mailed and are valid.
    reset: u32,
    /// Resets whose email SES did not accept this time either. A later sweep retries them.
    postponed: u32,
    /// Resets that were abandoned.
    abandoned: u32,
    /// Resets that cannot be read and were removed from the queue.
    unreadable: u32,
    /// Resets that another request changed in the meantime.
    skipped: u32,
    /// Resets that are left to a later sweep, because the time was up or SES was down.
    left: u32,
    /// Resets that failed because of DynamoDB or hashing. A later sweep retries them.
    failed: u32,
}

impl Summary {
    fn count(&mut self, swept: Swept) {
        self.due += 1;
        *match swept {
            Swept::Left => &mut self.left,
            Swept::Unreadable => &mut self.unreadable,
            Swept::Ended(outcome) => match outcome {
                ResetOutcome::Done => &mut self.reset,
                ResetOutcome::MailNotAccepted { .. } | ResetOutcome::MailUnavailable { .. } => {
                    &mut self.postponed
                }
                ResetOutcome::Abandoned => &mut self.abandoned,
                ResetOutcome::NotCounted | ResetOutcome::Failed => &mut self.failed,
                ResetOutcome::Limited { .. }
                | ResetOutcome::NotEligible
                | ResetOutcome::Overdue
                | ResetOutcome::Superseded => &mut self.skipped,
            },
        } += 1;
    }
}

/// The result of one reset in a sweep.
#[derive(Debug)]
enum Swept {
    /// An attempt was made or was not possible.
    Ended(ResetOutcome),
    /// The reset was removed from the queue.
    Unreadable,
    /// The reset is left to a later sweep.
    Left,
}

/// A sweep, which finishes as many resets as its time allows.
pub(crate) struct Sweep<'a> {
    pub(crate) operation: &'a ResetUserPassword,
    pub(crate) clock: &'a Clock,
    /// The request id of the event.
    pub(crate) id: &'a str,
    pub(crate) pace: Pace,
}

impl Sweep<'_> {
    /// Retries every reset that is due, oldest first, with a new password, because the one before
    /// may never have reached the user. Concurrent sweeps share the work: the first to reserve an
    /// account gets it.
    pub(crate) async fn run(&self) -> Result<Summary, StoreError> {
        let users = &self.operation.delivery.users;
        let queued = users.queued(self.clock.now(), BATCH).await?;
        let mut attempts = stream::iter(queued)
            .map(|queued| self.finish(queued.username))
            .buffer_unordered(IN_FLIGHT);
        let (request_id, mut summary) = (self.id, Summary::default());
        while let Some(swept) = attempts.next().await {
            summary.count(swept);
        }
        tracing::info!(%request_id, ?summary, event = "sweep.done", "sweep");
        Ok(summary)
    }

    /// Makes the next attempt for one account. A failure is logged and does not stop the sweep.
    async fn finish(&self, username: UsernameKey) -> Swept {
        if self.pace.is_over() {
            return Swept::Left;
        }
        let swept = self.attempt(&username).await.unwrap_or_else(|error| {
            let (request_id, error) = (self.id, &error as &dyn std::error::Error);
            metrics::count(Metric::Failures);
            tracing::error!(%request_id, error, event = "sweep.failed", "sweep");
            Swept::Ended(ResetOutcome::Failed)
        });
        if let Swept::Ended(outcome) = &swept {
            self.pace.record(outcome);
        }
        swept
    }

    async fn attempt(&self, username: &UsernameKey) -> Result<Swept, ResetFailure> {
        let users = &self.operation.delivery.users;
        let now = self.clock.now();
        match users.due(username, now).await? {
            Due::No => Ok(Swept::Ended(ResetOutcome::NotEligible)),
            Due::Unreadable => Ok(self.dequeue(username, now).await?),
            Due::Yes(account, reset) => {
                let is_eligible = !account.disabled && account.profile.email.is_some();
                let began = reset.requested_at.unwrap_or(now);
                let is_too_late = began.plus_seconds(MAX_AGE_SECONDS) <= now;
                if reset.attempts >= MAX_REFUSALS || is_too_late || !is_eligible {
                    return Ok(self.abandon(&account, &reset, now).await?);
                }
                // An attempt costs a hash, so it waits for its turn first.
                if !self.pace.turn().await {
                    return Ok(Swept::Left);
                }
                Ok(Swept::Ended(self.mail(username, &reset).await?))
            }
        }
    }

    /// Generates a new password and emails it. [`ResetOutcome::NotEligible`] if another request
    /// came first.
    async fn mail(
        &self,
        username: &UsernameKey,
        reset: &PendingReset,
    ) -> Result<ResetOutcome, ResetFailure> {
        let password = self.operation.passwords.generate().await?;
        let now = self.clock.now();
        let request_id = self.request_id(reset);
        let ctx = context(&request_id, reset.operator.as_ref(), now);
        let expires_at = now.plus_seconds(RESERVATION_SECONDS);
        let pending = Pending {
            username,
            hash: &password.hash,
            request_id: ctx.request_id,
            attempts: reset.attempts,
            requested_at: reset.requested_at.unwrap_or(now),
            expires_at,
            due_at: expires_at,
            operator: reset.operator.as_ref(),
        };
        let delivery = &self.operation.delivery;
        let reserved = delivery.users.retry(&pending, &reset.request_id, now);
        let Some(account) = reserved.await? else {
            return Ok(ResetOutcome::NotEligible);
        };
        let outcome = Box::pin(delivery.deliver(&account, &password, &ctx)).await?;
        if outcome.is_pending() {
            metrics::count(Metric::ResetPending);
        }
        Ok(outcome)
    }

    async fn abandon(
        &self,
        account: &Account,
        reset: &PendingReset,
        now: Timestamp,
    ) -> Result<Swept, StoreError> {
        let username = &account.profile.username;
        let request_id = self.request_id(reset);
        let ctx = context(&request_id, reset.operator.as_ref(), now);
        let delivery = &self.operation.delivery;
        let row = ctx.audit(username.as_str(), "password.reset_abandoned");
        let row = delivery.audit.row(&row);
        let users = &delivery.users;
        match users.abandon(username, &reset.request_id, now, &row).await {
            Ok(()) => {
                let outcome = ResetOutcome::Abandoned;
                metrics::count(Metric::ResetAbandoned);
                tracing::error!(%request_id, event = outcome.event(), "a reset was abandoned");
                Ok(Swept::Ended(outcome))
            }
            Err(StoreError::Conflict) => Ok(Swept::Ended(ResetOutcome::NotEligible)),
            Err(error) => Err(error),
        }
    }

    /// Removes an unreadable reset from the queue. The password does not change, and the audit
    /// trail names the account.
    async fn dequeue(&self, username: &UsernameKey, now: Timestamp) -> Result<Swept, StoreError> {
        let ctx = context(self.id, None, now);
        let delivery = &self.operation.delivery;
        let row = ctx.audit(username.as_str(), "password.reset_unreadable");
        let row = delivery.audit.row(&row);
        match delivery.users.dequeue(username, now, &row).await {
            Ok(()) => {
                let request_id = self.id;
                metrics::count(Metric::ResetUnreadable);
                tracing::error!(%request_id, event = "sweep.unreadable", "a reset cannot be read");
                Ok(Swept::Unreadable)
            }
            Err(StoreError::Conflict) => Ok(Swept::Ended(ResetOutcome::NotEligible)),
            Err(error) => Err(error),
        }
    }

    fn request_id(&self, reset: &PendingReset) -> String {
        format!("{}-{}", self.id, reset.attempts + 1)
    }
}

/// The context of a sweep's attempt at a reset, on behalf of the operator who requested it, if any.
fn context<'a>(
    request_id: &'a str,
    operator: Option<&'a Operator>,
    now: Timestamp,
) -> RequestContext<'a> {
    RequestContext {
        request_id,
        source: "sweep",
        actor: operator.and_then(|operator| operator.actor.as_deref()),
        requester: operator.and_then(|operator| operator.requester.as_deref()),
        now,
    }
}
