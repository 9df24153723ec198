//! The scheduled event: finishes resets whose mail was not accepted, so that nothing that was
//! answered with success is forgotten.

use std::time::Duration;

use rand_core::CryptoRng;
use serde::Serialize;
use shared::audit::Entry;
use shared::clock::Timestamp;
use shared::metrics::{self, Metric};
use shared::users::{FailedReset, Pending, StoreError, User, UsernameKey};
use tokio::time::Instant;

use crate::operation::{Caller, Failure, Outcome, RESERVATION_SECONDS, ResetUserPassword};

/// How many passwords are made for one reset before it is given up.
const ATTEMPTS: u64 = 5;
/// How many resets one event takes on.
const BATCH: i32 = 25;
/// When no further reset is begun: the function ends after 20 seconds.
const TIME: Duration = Duration::from_secs(10);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Resets that were due.
    due: u32,
    /// Mailed, and the mailed password works.
    reset: u32,
    /// The mail was not accepted again: a later sweep tries once more.
    postponed: u32,
    /// Given up.
    abandoned: u32,
    /// Changed by another request meanwhile, or left to a later sweep for want of time.
    skipped: u32,
    /// The service failed; a later sweep tries again.
    failed: u32,
}

impl ResetUserPassword {
    /// Tries every reset that is due once more, with a new password: nobody knows the old one.
    /// Two sweeps at once share the work: whoever reserves an account first has it.
    pub(crate) async fn sweep(
        &self,
        request_id: &str,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Summary, StoreError> {
        let began = Instant::now();
        let mut summary = Summary::default();
        for username in self.users.due(now, BATCH).await? {
            summary.due += 1;
            if began.elapsed() > TIME {
                summary.skipped += 1;
                continue;
            }
            *match self.finish(&username, request_id, now, rng).await {
                Ok(Ending::Reset) => &mut summary.reset,
                Ok(Ending::Postponed) => &mut summary.postponed,
                Ok(Ending::Abandoned) => &mut summary.abandoned,
                Ok(Ending::Skipped) => &mut summary.skipped,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    metrics::count(Metric::Failures);
                    tracing::error!(%request_id, error, event = "sweep.failed", "sweep");
                    &mut summary.failed
                }
            } += 1;
        }
        tracing::info!(%request_id, ?summary, event = "sweep.done", "sweep");
        Ok(summary)
    }

    async fn finish(
        &self,
        username: &str,
        request_id: &str,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Ending, Failure> {
        let user = self.users.find(&UsernameKey::new(username)).await?;
        // The index may be behind the table.
        let Some(user) = user else {
            return Ok(Ending::Skipped);
        };
        let Some(failed) = user.reset.clone() else {
            return Ok(Ending::Skipped);
        };
        let request_id = format!("{request_id}-{}", failed.attempts + 1);
        let caller = Caller {
            source: "sweep",
            request_id: &request_id,
            actor: None,
        };
        if failed.attempts >= ATTEMPTS || user.disabled || user.email.is_none() {
            return self.abandon(&user, &failed, &caller, now).await;
        }
        let fresh = self.fresh(rng).await?;
        let pending = Pending {
            hash: &fresh.hash,
            request_id: caller.request_id,
            attempts: failed.attempts + 1,
            requested_at: failed.requested_at.unwrap_or(now),
            expires_at: now.plus_seconds(RESERVATION_SECONDS),
            due_at: now.plus_seconds(delay_seconds(failed.attempts + 1)),
        };
        let reserved = self
            .users
            .retry(username, &pending, &failed.request_id, now)
            .await?;
        let Some(user) = reserved else {
            return Ok(Ending::Skipped);
        };
        Ok(match self.deliver(&user, &fresh, &caller, now).await? {
            Outcome::Reset => Ending::Reset,
            Outcome::MailNotAccepted => {
                metrics::count(Metric::ResetPending);
                Ending::Postponed
            }
            Outcome::Overdue | Outcome::Superseded | Outcome::Limited | Outcome::NotEligible => {
                Ending::Skipped
            }
        })
    }

    async fn abandon(
        &self,
        user: &User,
        failed: &FailedReset,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<Ending, Failure> {
        let audit = self.audit.put(&Entry {
            username: &user.username,
            at: now,
            event: "password.reset_abandoned",
            request_id: caller.request_id,
            source: caller.source,
            actor: None,
            requester: None,
            detail: None,
        })?;
        let abandoned = self
            .users
            .abandon(&user.username, &failed.request_id, now, audit)
            .await;
        match abandoned {
            Ok(()) => {
                let request_id = caller.request_id;
                metrics::count(Metric::ResetAbandoned);
                tracing::error!(%request_id, event = "reset.abandoned", "a reset was given up");
                Ok(Ending::Abandoned)
            }
            Err(StoreError::Conflict) => Ok(Ending::Skipped),
            Err(error) => Err(error.into()),
        }
    }
}

/// How the sweep of one account ended.
enum Ending {
    Reset,
    Postponed,
    Abandoned,
    Skipped,
}

/// How long after its reservation an attempt that failed is followed by the next one: 1, 2, 4, 8
/// minutes. No shorter than a reservation lasts.
fn delay_seconds(attempt: u64) -> u64 {
    RESERVATION_SECONDS << (attempt - 1).min(ATTEMPTS)
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
