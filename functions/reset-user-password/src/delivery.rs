//! Delivery of a reserved password: emails it, promotes it, and sends a correction if another
//! change came first. Requests and the sweep share it.

use password::ExposeSecret as _;
use shared::audit::Audit;
use shared::brands::Brands;
use shared::clock::Timestamp;
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::mail::{LoginUpdated, MailError, Mailer, NewPassword, OldPassword};
use shared::password_service::GeneratedPassword;
use shared::users::{
    ADMIN_ROLE, Account, PendingReset, Postponement, Profile, Promotion, ResetMode, Users,
};

/// The number of emails of one reset that SES may refuse before the reset is abandoned.
pub(crate) const MAX_REFUSALS: u64 = 5;
/// The time until the next attempt after SES has refused the sender, whose setup an operator has to
/// correct.
const SENDER_DELAY_SECONDS: u64 = 300;

/// The outcome of a reset, for the log, the metrics, the sweep and operators. Callers must never
/// see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetOutcome {
    /// The password is mailed and valid.
    Done,
    /// There were too many requests. Nothing changed.
    Limited {
        /// The time at which the next request will be admitted.
        until: Timestamp,
    },
    /// There is no account to reset: the name is unknown, the account is disabled or has no
    /// address, or another request is resetting it.
    NotEligible,
    /// SES did not accept the email. The old password stays valid, and the sweep tries again.
    MailNotAccepted {
        /// The message of the [`MailError`], with SES's code if SES refused the email.
        reason: String,
    },
    /// SES currently accepts no email. The old password stays valid, and the sweep tries again.
    MailUnavailable {
        /// The message of the [`MailError`], with SES's code if SES answered.
        reason: String,
    },
    /// The answer was due before the reset ended. The old password stays valid, and the sweep tries
    /// again.
    Overdue,
    /// The password is mailed, but another change to the account came first and takes precedence.
    Superseded,
    /// Every attempt failed, and the sweep gave up. The old password stays valid.
    Abandoned,
    /// The limits could not be read or written. Nothing changed.
    NotCounted,
    /// DynamoDB or hashing failed. The old password stays valid. If a password was reserved, the
    /// sweep tries again.
    Failed,
}

impl ResetOutcome {
    /// The name of the log event (`docs/audit.md`). Names do not change.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::Done => "reset.done",
            Self::Limited { .. } => "reset.limited",
            Self::NotEligible => "reset.not_eligible",
            Self::MailNotAccepted { .. } | Self::MailUnavailable { .. } => {
                "reset.mail_not_accepted"
            }
            Self::Overdue => "reset.overdue",
            Self::Superseded => "reset.superseded",
            Self::Abandoned => "reset.abandoned",
            Self::NotCounted => "limits.failed",
            Self::Failed => "reset.failed",
        }
    }

    /// Whether the reset waits for the sweep.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(
            self,
            Self::MailNotAccepted { .. } | Self::MailUnavailable { .. } | Self::Overdue
        )
    }
}

/// Delivers passwords.
#[derive(Debug)]
pub struct Delivery {
    pub(crate) users: Users,
    pub(crate) audit: Audit,
    pub(crate) mailer: Mailer,
    pub(crate) brands: Brands,
    pub(crate) mode: ResetMode,
    /// The lifetime of a mailed password, in seconds.
    pub(crate) lifetime: u64,
}

impl Delivery {
    /// Emails a reserved password and makes it valid. `account` is the account after the
    /// reservation.
    pub(crate) async fn deliver(
        &self,
        account: &Account,
        password: &GeneratedPassword,
        ctx: &RequestContext<'_>,
    ) -> Result<ResetOutcome, StoreError> {
        let is_superseded = |reset: &PendingReset| reset.is_superseded;
        if account.reset.as_ref().is_some_and(is_superseded) {
            return self.send_correction(account, ctx).await;
        }
        if let Err(error) = self.send_password(account, password, ctx).await {
            log(&error, ctx, "password not mailed");
            return self.on_mail_failure(account, &error, ctx).await;
        }
        let username = &account.profile.username;
        let promotion = Promotion {
            hash: &password.hash,
            request_id: ctx.request_id,
            at: ctx.now,
            password_expires_at: self.password_expires_at(ctx),
        };
        let row = self
            .audit
            .row(&ctx.audit(username.as_str(), "password.reset"));
        let mode = self.mode_for(account);
        let promoted = self.users.promote(username, &promotion, mode, &row);
        match promoted.await {
            Ok(()) => Ok(ResetOutcome::Done),
            Err(StoreError::Conflict) => self.on_promotion_conflict(&account.profile, ctx).await,
            Err(error) => Err(error),
        }
    }

    /// Sends a correction if an administrator's password came first. If another request has taken
    /// the reset over, that one emails again.
    async fn on_promotion_conflict(
        &self,
        profile: &Profile,
        ctx: &RequestContext<'_>,
    ) -> Result<ResetOutcome, StoreError> {
        let account = self.users.find(&profile.username).await?;
        let is_ours =
            |reset: &PendingReset| reset.is_superseded && reset.request_id == ctx.request_id;
        match account.filter(|account| account.reset.as_ref().is_some_and(is_ours)) {
            Some(account) => self.send_correction(&account, ctx).await,
            None => Ok(ResetOutcome::Superseded),
        }
    }

    /// Sends an email saying that an administrator's password has replaced the mailed one. An
    /// earlier email about the administrator's change may have arrived before the one with the
    /// password, or not at all. The sweep repeats the correction until SES accepts it.
    async fn send_correction(
        &self,
        account: &Account,
        ctx: &RequestContext<'_>,
    ) -> Result<ResetOutcome, StoreError> {
        if let Err(error) = self.send_login_updated(account, ctx).await {
            log(&error, ctx, "correction not mailed");
            return self.on_mail_failure(account, &error, ctx).await;
        }
        let username = &account.profile.username;
        self.users
            .clear_superseded(username, ctx.request_id)
            .await?;
        Ok(ResetOutcome::Superseded)
    }

    /// Schedules the next attempt. A refusal of the email itself counts as a failed attempt, and
    /// each one delays the next attempt further. Other failures do not count: after an outage, the
    /// next attempt is due when the reservation ends.
    async fn on_mail_failure(
        &self,
        account: &Account,
        error: &MailError,
        ctx: &RequestContext<'_>,
    ) -> Result<ResetOutcome, StoreError> {
        let attempts = account.reset.as_ref().map_or(0, |reset| reset.attempts);
        let reason = error.to_string();
        let (attempts, delay) = match error {
            MailError::Unavailable(_) => return Ok(ResetOutcome::MailUnavailable { reason }),
            MailError::Sender(_) => (attempts, SENDER_DELAY_SECONDS),
            MailError::Refused(_)
            | MailError::Address
            | MailError::Template(_)
            | MailError::Message(_) => (attempts + 1, delay_seconds(attempts + 1)),
        };
        let postponement = Postponement {
            request_id: ctx.request_id,
            attempts,
            due_at: ctx.now.plus_seconds(delay),
        };
        let username = &account.profile.username;
        self.users.postpone(username, &postponement).await?;
        Ok(ResetOutcome::MailNotAccepted { reason })
    }

    async fn send_login_updated(
        &self,
        account: &Account,
        ctx: &RequestContext<'_>,
    ) -> Result<(), MailError> {
        let recipient = &account.profile;
        let brand = self.brands.find(recipient.brand.as_deref(), ctx).await;
        let mail = LoginUpdated {
            brand: &brand,
            recipient,
            at: account.password_changed_at.unwrap_or(ctx.now),
            request_id: ctx.request_id,
        };
        let mail = mail.render()?;
        self.mailer
            .send(&brand, recipient, &mail, ctx.request_id)
            .await
    }

    async fn send_password(
        &self,
        account: &Account,
        password: &GeneratedPassword,
        ctx: &RequestContext<'_>,
    ) -> Result<(), MailError> {
        let recipient = &account.profile;
        // This call is made for known names only. The response floor hides it, like the email.
        let brand = self.brands.find(recipient.brand.as_deref(), ctx).await;
        let requested_at = account.reset.as_ref().and_then(|reset| reset.requested_at);
        let mail = NewPassword {
            brand: &brand,
            recipient,
            password: password.password.expose_secret(),
            old_password: self.old_password(account, ctx.now),
            at: requested_at.unwrap_or(ctx.now),
            expires_at: self.password_expires_at(ctx),
            request_id: ctx.request_id,
        };
        let mail = mail.render()?;
        self.mailer
            .send(&brand, recipient, &mail, ctx.request_id)
            .await
    }

    fn password_expires_at(&self, ctx: &RequestContext<'_>) -> Timestamp {
        ctx.now.plus_seconds(self.lifetime)
    }

    /// Decides whether the mailed password replaces the old one at once. The number of calls is the
    /// same in both cases.
    fn mode_for(&self, account: &Account) -> ResetMode {
        let by_operator = |reset: &PendingReset| reset.operator.is_some();
        if account.email_failed_at.is_some() {
            // SES accepts mail to an address on its suppression list, but does not send it.
            ResetMode::Dual
        } else if account.reset.as_ref().is_some_and(by_operator) {
            ResetMode::Replace
        } else if account.roles.contains(ADMIN_ROLE) {
            // Administrators are often programs, which a stranger must not be able to lock out.
            ResetMode::Dual
        } else {
            self.mode
        }
    }

    /// The state of the old password after the email.
    fn old_password(&self, account: &Account, now: Timestamp) -> OldPassword {
        let is_expired = account.password_expires_at.is_some_and(|end| end <= now);
        if account.password_hash.is_none() {
            OldPassword::Missing
        } else if self.mode_for(account) == ResetMode::Dual && !is_expired {
            OldPassword::Works
        } else {
            OldPassword::Invalid
        }
    }
}

fn log(error: &MailError, ctx: &RequestContext<'_>, message: &str) {
    let (request_id, error) = (ctx.request_id, error as &dyn std::error::Error);
    tracing::warn!(%request_id, error, event = "mail.failed", "{message}");
}

/// The time until the next attempt after this number of refusals: 1, 2, 4, 8 or 16 minutes.
fn delay_seconds(refusals: u64) -> u64 {
    60 << (refusals.clamp(1, MAX_REFUSALS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow() {
        let delays: Vec<_> = (1..=6).map(delay_seconds).collect();
        assert_eq!(delays, [60, 120, 240, 480, 960, 960]);
    }
}
