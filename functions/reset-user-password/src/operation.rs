//! The operation: give the account a new password and mail it to the address on file.

use password::{ExposeSecret as _, Hasher, Salt, Secret};
use rand_core::CryptoRng;
use shared::audit::{Audit, Entry};
use shared::aws::{self, Clients};
use shared::brands::Brands;
use shared::clock::Timestamp;
use shared::hashing::hash;
use shared::limits::{Limits, LimitsError, Rule, Subject};
use shared::mail::{self, Brand, MailError, Mailer, Message, OldPassword, Reference};
use shared::metrics::{self, Metric};
use shared::pace::Pace;
use shared::users::{
    FailedReset, Pending, Promotion, ResetMode, StoreError, User, UsernameKey, Users,
};

use crate::{Config, deadline};

/// A reservation outlives the request that made it: the function's own limit is 20 seconds.
pub(crate) const RESERVATION_SECONDS: u64 = 60;
const SECONDS_AN_HOUR: u64 = 3_600;

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Input {
    /// The user name, as received.
    pub username: Option<String>,
}

impl std::fmt::Debug for Input {
    /// People type passwords into user name boxes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input(..)")
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The address, as the gateway saw it.
    pub source: &'a str,
    /// The invocation.
    pub request_id: &'a str,
    /// The operator who asks; none for anybody else.
    pub actor: Option<&'a str>,
}

/// The request was accepted. That is all anybody learns: the answer is the same for every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted;

/// What the caller did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no user name, or an empty one.
    #[error("username is required.")]
    UsernameRequired,
}

/// How it really ended; for the log, the sweep and operators only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Mailed, and the mailed password works.
    Reset,
    /// Asked for too often: nothing changed.
    Limited,
    /// There is no account that may be reset: unknown, disabled, no address, or already under way.
    NotEligible,
    /// Reserved, but SES did not accept the mail; the old password keeps working, and the sweep
    /// tries again.
    MailNotAccepted,
    /// Not done in time for its answer; the old password keeps working, and the sweep tries again.
    Overdue,
    /// Mailed, but the account changed meanwhile; that change stands.
    Superseded,
}

impl Outcome {
    /// The stable name of the log event: see `docs/audit.md`.
    #[must_use]
    pub fn event(self) -> &'static str {
        match self {
            Self::Reset => "reset.done",
            Self::Limited => "reset.limited",
            Self::NotEligible => "reset.not_eligible",
            Self::MailNotAccepted => "reset.mail_not_accepted",
            Self::Overdue => "reset.overdue",
            Self::Superseded => "reset.superseded",
        }
    }
}

/// Why it did not end at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request could not be counted, which counts as one too many: nothing changed.
    #[error("the request could not be counted")]
    NotCounted(#[source] LimitsError),
    /// DynamoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] password::HashError),
    /// The thread that hashes failed.
    #[error("the hashing thread failed")]
    Thread(#[from] tokio::task::JoinError),
    /// The audit row could not be built.
    #[error(transparent)]
    Audit(#[from] shared::audit::BuildError),
}

impl Failure {
    /// The stable name of the log event: see `docs/audit.md`.
    fn event(&self) -> &'static str {
        match self {
            Self::NotCounted(_) => "limits.failed",
            _ => "reset.failed",
        }
    }
}

/// The operation and all it works with.
#[derive(Debug)]
pub struct ResetUserPassword {
    pub(crate) users: Users,
    pub(crate) audit: Audit,
    limits: Limits,
    mailer: Mailer,
    hasher: Hasher,
    brands: Brands,
    mode: ResetMode,
    name_rules: [Rule; 2],
    source_rules: [Rule; 1],
    temporary_password_seconds: u64,
}

/// A password that is hashed and not yet anybody's.
pub(crate) struct Fresh {
    password: Secret,
    pub(crate) hash: Secret,
}

impl ResetUserPassword {
    /// The operation with this configuration, this hasher and these clients.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients) -> Self {
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
            users: Users::new(dynamodb.clone(), shared.users_table),
            audit: Audit::new(dynamodb.clone(), shared.audit_table, shared.audit_days),
            limits: Limits::new(dynamodb.clone(), shared.limits_table),
            brands: Brands::new(dynamodb, shared.brands_table, shared.brand),
            mailer: Mailer::new(clients.ses),
            hasher,
            mode: shared.reset_mode,
            name_rules: [
                Rule::per_minute(reset_per_minute),
                Rule::per_hour(reset_per_hour),
            ],
            source_rules: [Rule::per_minute(source_per_minute)],
            temporary_password_seconds: temporary_password_hours * SECONDS_AN_HOUR,
        }
    }

    /// Opens the connections to DynamoDB and SES.
    pub async fn connect(&self) {
        Box::pin(aws::connect(self.users.check(), self.mailer.connect())).await;
    }

    /// Whether the table answers.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.users.check().await
    }

    /// Resets the password of the account, if there is one. Returns the name of the log event, for
    /// the metrics only.
    ///
    /// Whatever fails on the way, some password known to the user verifies: the old one until SES
    /// accepted the mail, the mailed one from then on.
    pub async fn execute(
        &self,
        input: &Input,
        caller: &Caller<'_>,
        pace: &Pace,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<&'static str, Error> {
        let username = input.username.as_deref().filter(|name| !name.is_empty());
        let username = UsernameKey::new(username.ok_or(Error::UsernameRequired)?);
        let request_id = caller.request_id;
        match self.reset(&username, caller, pace, now, rng).await {
            Ok(outcome) => {
                if matches!(outcome, Outcome::MailNotAccepted | Outcome::Overdue) {
                    metrics::count(Metric::ResetPending);
                }
                let event = outcome.event();
                tracing::info!(%request_id, event, "password reset");
                Ok(event)
            }
            Err(error) => {
                let (event, error) = (error.event(), &error as &dyn std::error::Error);
                metrics::count(Metric::Failures);
                tracing::error!(%request_id, error, event, "password reset");
                Ok(event)
            }
        }
    }

    /// Resets the password and says how that really ended: not for the wire.
    pub async fn reset(
        &self,
        username: &UsernameKey,
        caller: &Caller<'_>,
        pace: &Pace,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Outcome, Failure> {
        if !self.is_admitted(username, caller, now).await? {
            return Ok(Outcome::Limited);
        }
        let fresh = self.fresh(rng).await?;
        let expires_at = now.plus_seconds(RESERVATION_SECONDS);
        let pending = Pending {
            hash: &fresh.hash,
            request_id: caller.request_id,
            attempts: 1,
            requested_at: now,
            expires_at,
            due_at: expires_at,
        };
        let Some(user) = self.users.reserve(username, &pending, now).await? else {
            return Ok(Outcome::NotEligible);
        };
        // What is done for known names only must not show in the time of the answer, however slow
        // SES or DynamoDB are. The sweep takes over, as it would if the process had ended here.
        let delivery = Box::pin(self.deliver(&user, &fresh, caller, now));
        let delivered = deadline::in_time(pace, delivery).await;
        delivered.unwrap_or(Ok(Outcome::Overdue))
    }

    /// Counts the request.
    async fn is_admitted(
        &self,
        username: &UsernameKey,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let subjects = [
            Subject::name("reset", username, None, self.name_rules),
            Subject::source("reset", caller.source, self.source_rules),
        ];
        let admitted = self.limits.admit(&subjects, now).await;
        admitted.map_err(Failure::NotCounted)
    }

    /// A new password and its hash, which is what takes the time.
    pub(crate) async fn fresh(&self, rng: &mut (impl CryptoRng + Send)) -> Result<Fresh, Failure> {
        let (password, salt) = (password::generate(rng), Salt::generate(rng));
        let copy = password.clone();
        let hash = hash(&self.hasher, move |hasher| hasher.hash(&copy, salt)).await??;
        Ok(Fresh { password, hash })
    }

    /// Mails a password that is reserved and makes it valid.
    pub(crate) async fn deliver(
        &self,
        user: &User,
        fresh: &Fresh,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        if user.reset.as_ref().is_some_and(|reset| reset.is_superseded) {
            return self.correct(user, caller.request_id, now).await;
        }
        let expires_at = now.plus_seconds(self.temporary_password_seconds);
        let request_id = caller.request_id;
        let password = &fresh.password;
        let mailed = self.mail(user, password, request_id, now, expires_at);
        if let Err(error) = mailed.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%request_id, error, event = "mail.failed", "no password mailed");
            return Ok(Outcome::MailNotAccepted);
        }
        let promotion = Promotion {
            hash: &fresh.hash,
            request_id,
            at: now,
            password_expires_at: expires_at,
        };
        let audit = self.audit.put(&Entry {
            username: &user.username,
            at: now,
            event: "password.reset",
            request_id,
            source: caller.source,
            actor: caller.actor,
            requester: None,
            detail: None,
        })?;
        let promoted = self
            .users
            .promote(&user.username, &promotion, self.mode, audit);
        match promoted.await {
            Ok(()) => Ok(Outcome::Reset),
            Err(StoreError::Conflict) => self.overtaken(&user.username, request_id, now).await,
            Err(error) => Err(error.into()),
        }
    }

    /// What is left to do when another change came before the promotion.
    async fn overtaken(
        &self,
        username: &str,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        let user = self.users.find(&UsernameKey::new(username)).await?;
        let is_ours = |reset: &FailedReset| reset.is_superseded && reset.request_id == request_id;
        match user.filter(|user| user.reset.as_ref().is_some_and(is_ours)) {
            Some(user) => self.correct(&user, request_id, now).await,
            // Whoever has the reset now mails again.
            None => Ok(Outcome::Superseded),
        }
    }

    /// Says that a mailed password does not work, since an administrator's has taken its place: a
    /// mail that said so may have come before the one with the password, or never. Until SES
    /// accepted it, the sweep tries again.
    async fn correct(
        &self,
        user: &User,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        if let Err(error) = self.mail_correction(user, request_id, now).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%request_id, error, event = "mail.failed", "no correction mailed");
            return Ok(Outcome::MailNotAccepted);
        }
        self.users.settle(&user.username, request_id).await?;
        Ok(Outcome::Superseded)
    }

    async fn mail_correction(
        &self,
        user: &User,
        request_id: &str,
        now: Timestamp,
    ) -> Result<(), MailError> {
        let brand = user.brand.as_deref();
        let brand = self.brands.find(brand, request_id, now).await;
        let message = mail::LoginUpdated {
            brand: &brand,
            language: user.language.as_deref(),
            display_name: &user.display_name,
            username: &user.display_username,
            at: user.password_changed_at.unwrap_or(now),
            request_id,
        }
        .render()?;
        self.send(user, &brand, &message, request_id).await
    }

    async fn mail(
        &self,
        user: &User,
        password: &Secret,
        request_id: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), MailError> {
        // Only here, among all that is done for known names and no others: one more call, which
        // the response floor hides as it hides the mail.
        let brand = user.brand.as_deref();
        let brand = self.brands.find(brand, request_id, now).await;
        let requested_at = user.reset.as_ref().and_then(|reset| reset.requested_at);
        let message = mail::NewPassword {
            brand: &brand,
            language: user.language.as_deref(),
            display_name: &user.display_name,
            username: &user.display_username,
            password: password.expose_secret(),
            old_password: self.old_password(user, now),
            at: requested_at.unwrap_or(now),
            expires_at,
            request_id,
        }
        .render()?;
        self.send(user, &brand, &message, request_id).await
    }

    /// What becomes of the password that the user may know.
    fn old_password(&self, user: &User, now: Timestamp) -> OldPassword {
        let is_expired = user.password_expires_at.is_some_and(|end| end <= now);
        if user.password_hash.is_none() {
            OldPassword::Missing
        } else if self.mode == ResetMode::Dual && !is_expired {
            OldPassword::Works
        } else {
            OldPassword::Void
        }
    }

    async fn send(
        &self,
        user: &User,
        brand: &Brand,
        message: &Message,
        request_id: &str,
    ) -> Result<(), MailError> {
        // A reservation requires an address.
        let to = user.email.as_deref().unwrap_or_default();
        let reference = Reference {
            request_id,
            account: &UsernameKey::new(&user.username),
        };
        self.mailer.send(brand, to, message, &reference).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_not_in_debug_output() {
        let username = Some("p@55wOrd".to_owned());
        let shown = format!("{:?}", Input { username });
        assert_eq!(shown, "Input(..)");
    }
}
