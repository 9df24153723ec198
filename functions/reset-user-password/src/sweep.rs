//! The sweep: finishes resets whose mail was not accepted, so that no accepted request is forgotten.

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use shared::clock::{Clock, Timestamp};
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::metrics::{self, Metric};
use shared::users::{Account, Due, Pending, PendingReset, UsernameKey};

use crate::delivery::{MAX_REFUSALS, ResetOutcome};
use crate::operation::{RESERVATION_SECONDS, ResetFailure, ResetUserPassword};
use crate::pace::Pace;

/// How long after its request a reset is given up, whatever the reason: as long as a mailed password
/// can be used at most.
const GIVE_UP_SECONDS: u64 = 24 * 3_600;
/// How many resets of each shard a sweep looks at: more than it can mail, so that those that fail do
/// not keep it from others.
const BATCH: usize = 1_000;
/// How many resets are at work at once. At 100 mails a second, the highest rate, each may take 160
/// ms; hashing is done one after another.
const IN_FLIGHT: usize = 16;

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
    /// Resets that cannot be read, taken out of the queue.
    unreadable: u32,
    /// Resets that another request changed meanwhile.
    skipped: u32,
    /// Resets that are left to a later sweep: time was up, or SES is down.
    left: u32,
    /// Resets that DynamoDB or the hash failed: a later sweep tries again.
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

/// The fate of one reset.
#[derive(Debug)]
enum Swept {
    /// An attempt was made, or is not possible.
    Ended(ResetOutcome),
    /// It was taken out of the queue.
    Unreadable,
    /// A later sweep makes the attempt.
    Left,
}

/// Finishes resets, as many as its time allows.
pub(crate) struct Sweep<'a> {
    pub(crate) operation: &'a ResetUserPassword,
    pub(crate) clock: &'a Clock,
    /// The request id of the event.
    pub(crate) id: &'a str,
    pub(crate) pace: Pace,
}

impl Sweep<'_> {
    /// Tries every reset that is due once more, the longest waiting first, with a new password: nobody
    /// has seen the old one. Two sweeps at once share the work: the first to reserve an account has
    /// it.
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

    /// Makes the next attempt for one account. A failure is logged: it keeps nobody else waiting.
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
            self.pace.learn(outcome);
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
                let is_too_late = began.plus_seconds(GIVE_UP_SECONDS) <= now;
                if reset.attempts >= MAX_REFUSALS || is_too_late || !is_eligible {
                    return Ok(self.abandon(&account, &reset, now).await?);
                }
                // It costs a hash: not before its turn.
                if !self.pace.turn().await {
                    return Ok(Swept::Left);
                }
                Ok(Swept::Ended(self.mail(username, &reset).await?))
            }
        }
    }

    /// Makes a new password and mails it. [`ResetOutcome::NotEligible`] if another request was faster.
    async fn mail(
        &self,
        username: &UsernameKey,
        reset: &PendingReset,
    ) -> Result<ResetOutcome, ResetFailure> {
        let password = self.operation.passwords.generate().await?;
        let now = self.clock.now();
        let request_id = self.request_id(reset);
        let ctx = context(&request_id, now);
        let expires_at = now.plus_seconds(RESERVATION_SECONDS);
        let pending = Pending {
            username,
            hash: &password.hash,
            request_id: ctx.request_id,
            attempts: reset.attempts,
            requested_at: reset.requested_at.unwrap_or(now),
            expires_at,
            due_at: expires_at,
            by_operator: reset.by_operator,
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
        let ctx = context(&request_id, now);
        let delivery = &self.operation.delivery;
        let row = ctx.audit(username.as_str(), "password.reset_abandoned");
        let row = delivery.audit.row(&row);
        let users = &delivery.users;
        match users.abandon(username, &reset.request_id, now, &row).await {
            Ok(()) => {
                let outcome = ResetOutcome::Abandoned;
                metrics::count(Metric::ResetAbandoned);
                tracing::error!(%request_id, event = outcome.event(), "a reset was given up");
                Ok(Swept::Ended(outcome))
            }
            Err(StoreError::Conflict) => Ok(Swept::Ended(ResetOutcome::NotEligible)),
            Err(error) => Err(error),
        }
    }

    /// Takes a reset that cannot be read out of the queue: the password stays as it is, and the
    /// audit trail says whose it is.
    async fn dequeue(&self, username: &UsernameKey, now: Timestamp) -> Result<Swept, StoreError> {
        let ctx = context(self.id, now);
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

fn context(request_id: &str, now: Timestamp) -> RequestContext<'_> {
    RequestContext {
        request_id,
        source: "sweep",
        actor: None,
        requester: None,
        now,
    }
}
