//! The operation: generates a new password for an account and emails it to the account's address.

use shared::audit::Audit;
use shared::aws::Clients;
use shared::brands::Brands;
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::mail::Mailer;
use shared::metrics::{self, Metric};
use shared::password_service::{PasswordError, PasswordService};
use shared::rate_limit::{Admission, Quota, RateLimit, RateLimitKey, RateLimiter};
use shared::response_floor::ResponseFloor;
use shared::users::{Operator, Pending, UsernameKey, Users};

use crate::Config;
use crate::delivery::{Delivery, ResetOutcome};

/// The duration of a reservation, during which other requests cannot reset the account. It is
/// longer than the rest of a reset takes, and short enough for the first or second sweep after an
/// outage to finish every reset.
pub(crate) const RESERVATION_SECONDS: u64 = 30;
const SECONDS_AN_HOUR: u64 = 3_600;

/// The input of a call.
#[derive(Clone, PartialEq, Eq)]
pub struct Input {
    /// The user name as received.
    pub username: Option<String>,
}

impl std::fmt::Debug for Input {
    /// Leaves out the name, because people type passwords into user name boxes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input(..)")
    }
}

/// The result of an accepted request. It is the same for every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted;

/// An error of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The user name is missing or empty.
    #[error("username is required.")]
    UsernameRequired,
}

/// The reason a reset failed.
#[derive(Debug, thiserror::Error)]
pub enum ResetFailure {
    /// The request could not be counted and was therefore refused. Nothing changed.
    #[error("the request could not be counted")]
    NotCounted(#[source] StoreError),
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl ResetFailure {
    fn outcome(&self) -> ResetOutcome {
        match self {
            Self::NotCounted(_) => ResetOutcome::NotCounted,
            Self::Store(_) | Self::Password(_) => ResetOutcome::Failed,
        }
    }
}

/// The operation and its dependencies.
#[derive(Debug)]
pub struct ResetUserPassword {
    pub(crate) delivery: Delivery,
    pub(crate) passwords: PasswordService,
    limiter: RateLimiter,
    name_quotas: [Quota; 2],
    source_quotas: [Quota; 1],
}

impl ResetUserPassword {
    /// Makes the operation.
    #[must_use]
    pub fn new(config: Config, passwords: PasswordService, clients: Clients) -> Self {
        let Config {
            shared,
            temporary_password_hours,
            reset_per_minute,
            reset_per_hour,
            source_per_minute,
            ..
        } = config;
        let dynamodb = clients.dynamodb;
        Self {
            limiter: RateLimiter::new(dynamodb.clone(), shared.limits_table),
            name_quotas: [
                Quota::per_minute(reset_per_minute),
                Quota::per_hour(reset_per_hour),
            ],
            source_quotas: [Quota::per_minute(source_per_minute)],
            passwords,
            delivery: Delivery {
                users: Users::new(dynamodb.clone(), shared.users_table),
                audit: Audit::new(dynamodb.clone(), shared.audit_table, shared.audit_days),
                brands: Brands::new(dynamodb, shared.brands_table, shared.brand),
                mailer: Mailer::new(clients.ses),
                mode: shared.reset_mode,
                lifetime: temporary_password_hours * SECONDS_AN_HOUR,
            },
        }
    }

    /// Resets the password of the account, if it exists. The outcome is only for the log and the
    /// metrics: the caller gets [`Accepted`].
    pub async fn execute(
        &self,
        input: &Input,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<ResetOutcome, Error> {
        let username = input.username.as_deref().filter(|name| !name.is_empty());
        let username = UsernameKey::new(username.ok_or(Error::UsernameRequired)?);
        let request_id = ctx.request_id;
        Ok(match self.reset(&username, ctx, Some(floor)).await {
            Ok(outcome) => {
                if outcome.is_pending() {
                    metrics::count(Metric::ResetPending);
                }
                tracing::info!(%request_id, event = outcome.event(), "reset request");
                outcome
            }
            Err(failure) => {
                let (outcome, error) = (failure.outcome(), &failure as &dyn std::error::Error);
                metrics::count(Metric::Failures);
                tracing::error!(%request_id, error, event = outcome.event(), "reset failed");
                outcome
            }
        })
    }

    /// Resets the password and returns the outcome. `floor` limits the time that the reset may
    /// take, if given.
    ///
    /// Whatever fails on the way, the user knows a valid password: the old one until SES accepts
    /// the email, the mailed one after that.
    pub async fn reset(
        &self,
        username: &UsernameKey,
        ctx: &RequestContext<'_>,
        floor: Option<&ResponseFloor>,
    ) -> Result<ResetOutcome, ResetFailure> {
        let admission = self.admit(username, ctx).await;
        if let Admission::Refused { until } = admission.map_err(ResetFailure::NotCounted)? {
            return Ok(ResetOutcome::Limited { until });
        }
        let password = self.passwords.generate().await?;
        let expires_at = ctx.now.plus_seconds(RESERVATION_SECONDS);
        let operator = operator(ctx);
        let pending = Pending {
            username,
            hash: &password.hash,
            request_id: ctx.request_id,
            attempts: 0,
            requested_at: ctx.now,
            expires_at,
            due_at: expires_at,
            operator: operator.as_ref(),
        };
        let users = &self.delivery.users;
        let Some(account) = users.reserve(&pending, ctx.now).await? else {
            return Ok(ResetOutcome::NotEligible);
        };
        let delivery = Box::pin(self.delivery.deliver(&account, &password, ctx));
        let delivered = match floor {
            // Work that is done only for known names must not affect the time of the answer. If it
            // is cut off, the sweep takes over, as it would after a crash.
            Some(floor) => floor.run_until_slot(delivery).await,
            None => Some(delivery.await),
        };
        Ok(delivered.unwrap_or(Ok(ResetOutcome::Overdue))?)
    }

    /// Counts the request by its source, then by its name, so that a source that is refused cannot
    /// use up the quota of a name. Operators have separate quotas.
    async fn admit(
        &self,
        username: &UsernameKey,
        ctx: &RequestContext<'_>,
    ) -> Result<Admission, StoreError> {
        let kind = match ctx.actor {
            None => "reset",
            Some(_) => "operator-reset",
        };
        let source = RateLimitKey::source(kind, ctx.source);
        let source = RateLimit::new(source, self.source_quotas);
        let name = RateLimit::new(RateLimitKey::name(kind, username), self.name_quotas);
        match self.limiter.admit(&source, ctx).await? {
            Admission::Admitted => self.limiter.admit(&name, ctx).await,
            refused @ Admission::Refused { .. } => Ok(refused),
        }
    }
}

/// The operator who makes the request, stored for the audit row of a sweep that finishes the reset.
/// `None` if the caller is anonymous.
fn operator(ctx: &RequestContext<'_>) -> Option<Operator> {
    Some(Operator {
        actor: Some(ctx.actor?.to_owned()),
        requester: ctx.requester.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_names_are_not_in_debug_output() {
        let username = Some("p@55wOrd".to_owned());
        let shown = format!("{:?}", Input { username });
        assert_eq!(shown, "Input(..)");
    }
}
