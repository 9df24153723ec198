//! The operation: give the account a new password and mail it to the address on file.

use rand_core::CryptoRng;
use shared::audit::{Audit, Entry};
use shared::aws::Clients;
use shared::clock::Timestamp;
use shared::mail::{self, Brand, Mailer};
use shared::password::{self, ExposeSecret as _, Hasher, Salt, Secret};
use shared::users::{Pending, Promotion, StoreError, User, UsernameKey, Users};

use crate::Config;

/// A reservation outlives the request that made it: the function's own limit is 20 seconds.
const RESERVATION_SECONDS: u64 = 60;
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

/// How it really ended; for the log only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Mailed, and the mailed password works.
    Reset,
    /// There is no account that may be reset: unknown, disabled, no address, or already under way.
    NotEligible,
    /// Reserved, but SES did not accept the mail; the old password keeps working.
    MailNotAccepted,
    /// Mailed, but the account changed meanwhile; that change stands.
    Superseded,
}

/// Why it did not end at all.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hash(#[from] password::HashError),
    #[error("the hashing thread failed")]
    Thread(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Audit(#[from] shared::audit::BuildError),
}

/// The operation and all it works with.
#[derive(Debug)]
pub struct ResetUserPassword {
    users: Users,
    audit: Audit,
    mailer: Mailer,
    hasher: Hasher,
    brand: Brand,
    temporary_password_seconds: u64,
}

impl ResetUserPassword {
    /// The operation with this configuration and these clients.
    #[must_use]
    pub fn new(config: Config, clients: Clients) -> Self {
        let Config {
            shared,
            temporary_password_hours,
            ..
        } = config;
        Self {
            users: Users::new(clients.dynamodb, shared.users_table),
            audit: Audit::new(shared.audit_table, shared.audit_days),
            mailer: Mailer::new(clients.ses),
            hasher: Hasher::new(shared.password_cost),
            brand: shared.brand,
            temporary_password_seconds: temporary_password_hours * SECONDS_AN_HOUR,
        }
    }

    /// Whether the table answers.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.users.check().await
    }

    /// Resets the password of the account, if there is one.
    ///
    /// Whatever fails on the way, some password known to the user verifies: the old one until SES
    /// accepted the mail, the mailed one from then on.
    pub async fn execute(
        &self,
        input: &Input,
        caller: &Caller<'_>,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Accepted, Error> {
        let username = input.username.as_deref().filter(|name| !name.is_empty());
        let username = UsernameKey::new(username.ok_or(Error::UsernameRequired)?);
        let (password, salt) = (password::generate(rng), Salt::generate(rng));
        let request_id = caller.request_id;
        match self.reset(&username, password, salt, caller, now).await {
            Ok(outcome) => tracing::info!(%request_id, ?outcome, "password reset"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(%request_id, error, "password reset failed");
            }
        }
        Ok(Accepted)
    }

    async fn reset(
        &self,
        username: &UsernameKey,
        password: Secret,
        salt: Salt,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<Outcome, Failure> {
        let hash = self.hash(password.clone(), salt).await?;
        let pending = Pending {
            hash: &hash,
            request_id: caller.request_id,
            expires_at: now.plus_seconds(RESERVATION_SECONDS),
        };
        let Some(user) = self.users.reserve(username, &pending, now).await? else {
            return Ok(Outcome::NotEligible);
        };
        let expires_at = now.plus_seconds(self.temporary_password_seconds);
        if let Err(error) = self
            .mail(&user, &password, caller.request_id, now, expires_at)
            .await
        {
            let (request_id, error) = (caller.request_id, &error as &dyn std::error::Error);
            tracing::warn!(%request_id, error, "the new password could not be mailed");
            return Ok(Outcome::MailNotAccepted);
        }
        let promotion = Promotion {
            hash: &hash,
            request_id: caller.request_id,
            at: now,
            password_expires_at: expires_at,
        };
        let audit = self.audit.put(&Entry {
            username: &user.username,
            at: now,
            event: "password.reset",
            request_id: caller.request_id,
            source: caller.source,
            actor: None,
            requester: None,
        })?;
        match self.users.promote(&user.username, &promotion, audit).await {
            Ok(()) => Ok(Outcome::Reset),
            Err(StoreError::Conflict) => Ok(Outcome::Superseded),
            Err(error) => Err(error.into()),
        }
    }

    async fn hash(&self, password: Secret, salt: Salt) -> Result<Secret, Failure> {
        let hasher = self.hasher.clone();
        Ok(tokio::task::spawn_blocking(move || hasher.hash(&password, salt)).await??)
    }

    async fn mail(
        &self,
        user: &User,
        password: &Secret,
        request_id: &str,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), mail::MailError> {
        let message = mail::NewPassword {
            brand: &self.brand,
            display_name: &user.display_name,
            username: &user.display_username,
            password: password.expose_secret(),
            at,
            expires_at,
            request_id,
        }
        .render()?;
        // The reservation requires an address.
        let to = user.email.as_deref().unwrap_or_default();
        self.mailer.send(&self.brand, to, &message).await
    }
}
