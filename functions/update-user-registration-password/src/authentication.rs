//! Authentication with a password and a user name or an email address.

use password::Secret;
use rand_core::CryptoRng;
use shared::audit::Audit;
use shared::aws::Clients;
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::metrics::{self, Metric};
use shared::password_service::PasswordService;
use shared::rate_limit::{Lookup, Quota, RateLimit, RateLimitKey, RateLimiter};
use shared::response_floor::ResponseFloor;
use shared::users::{
    self, Account, Attempt, Login, LoginOutcome, ResetMode, UsernameKey, Users, WriteBack,
};

use crate::Config;
use crate::credential_cache::CredentialCache;
use crate::error::Error;

/// The failure quota of a source, as a multiple of the quota of one name. A source may be an office
/// with several people.
const NAMES_PER_SOURCE: u32 = 5;

/// A user name or an email address, with a password.
#[derive(Clone)]
pub struct PasswordCredential {
    /// A user name or an email address.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl std::fmt::Debug for PasswordCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordCredential(..)")
    }
}

/// Verifies credentials and counts failures.
#[derive(Debug)]
pub(crate) struct Authenticator {
    pub(crate) users: Users,
    audit: Audit,
    limiter: RateLimiter,
    failures_per_minute: u32,
    mode: ResetMode,
    passwords: PasswordService,
    verified: CredentialCache,
}

impl Authenticator {
    /// Makes an authenticator. `rng` generates the key of the cache.
    pub(crate) fn new(
        config: &Config,
        passwords: PasswordService,
        clients: &Clients,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let (shared, dynamodb) = (config.shared.clone(), &clients.dynamodb);
        Self {
            users: Users::new(dynamodb.clone(), shared.users_table),
            audit: Audit::new(dynamodb.clone(), shared.audit_table, shared.audit_days),
            limiter: RateLimiter::new(dynamodb.clone(), shared.limits_table),
            failures_per_minute: config.login_failures_per_minute,
            mode: shared.reset_mode,
            passwords,
            verified: CredentialCache::new(config.credential_cache_seconds, rng),
        }
    }

    /// Finds the account of a credential and verifies the password. An unknown name takes as long
    /// as a wrong password. Failures are answered at the response floor, because an older hash may
    /// take less time than a current one, and an imported hash may take more.
    pub(crate) async fn authenticate(
        &self,
        credential: &PasswordCredential,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Account, Error> {
        let typed = UsernameKey::new(&credential.username);
        let mut limits = self.failure_limits(&typed, ctx);
        // Refused without waiting: nothing was read, so the duration reveals nothing, and a flood
        // must not occupy the function.
        if self.limiter.is_exhausted_cached(&limits, ctx.now) {
            return Err(limited(ctx));
        }
        let username = self.resolve(credential, typed.clone()).await?;
        if is_address(credential) {
            limits.push(self.limit_behind_address(&typed, &username, ctx));
        }
        let lookup = self
            .limiter
            .find_unless_limited(&self.users, &username, &limits, ctx.now);
        let Lookup::Found(account) = lookup.await? else {
            floor.wait().await;
            return Err(limited(ctx));
        };
        let password = &credential.password;
        let (account, login) = self.verify(account, password, ctx).await?;
        let Some(mut account) = account.filter(|_| is_right(login)) else {
            metrics::count(Metric::LoginFailures);
            let counted = self.count(&limits, ctx).await;
            floor.wait().await;
            counted?;
            return Err(Error::InvalidCredential);
        };
        match login.write_back {
            Some(WriteBack::Rehash) => self.rehash(&account, password, ctx).await,
            Some(WriteBack::UseTemporary) => {
                self.use_temporary(&account, ctx).await?;
                // The stored version: the change would have failed if another had come first.
                account.version += 1;
            }
            None => {}
        }
        Ok(account)
    }

    /// The limits of failed logins: one for the name from this source, and one for the source. With
    /// a limit per name alone, a stranger could lock an administrator out.
    fn failure_limits(&self, typed: &UsernameKey, ctx: &RequestContext<'_>) -> Vec<RateLimit> {
        let of_source = self.failures_per_minute.saturating_mul(NAMES_PER_SOURCE);
        let source = RateLimitKey::source("login", ctx.source);
        vec![
            self.account_limit(typed, ctx),
            RateLimit::new(source, [Quota::per_minute(of_source)]),
        ]
    }

    fn account_limit(&self, username: &UsernameKey, ctx: &RequestContext<'_>) -> RateLimit {
        let key = RateLimitKey::name_at_source("login", username, ctx.source);
        RateLimit::new(key, [Quota::per_minute(self.failures_per_minute)])
    }

    /// The limit of the account that an address belongs to, which counts logins by name and by
    /// address together. An address without an account has a limit too, so that the calls are the
    /// same.
    fn limit_behind_address(
        &self,
        typed: &UsernameKey,
        username: &UsernameKey,
        ctx: &RequestContext<'_>,
    ) -> RateLimit {
        if username == typed {
            let key = RateLimitKey::name_at_source("login-address", typed, ctx.source);
            RateLimit::new(key, [Quota::per_minute(self.failures_per_minute)])
        } else {
            self.account_limit(username, ctx)
        }
    }

    /// Counts a failure, even beyond a limit, because concurrent attempts may all pass before the
    /// first is counted.
    async fn count(
        &self,
        limits: &[RateLimit],
        ctx: &RequestContext<'_>,
    ) -> Result<(), StoreError> {
        for limit in limits {
            self.limiter.count(limit, ctx).await?;
        }
        Ok(())
    }

    /// Verifies the password, without hashing it if it was verified recently.
    async fn verify(
        &self,
        account: Option<Account>,
        password: &Secret,
        ctx: &RequestContext<'_>,
    ) -> Result<(Option<Account>, Login), Error> {
        let is_cached = |account: &&Account| self.verified.recognises(account, password, ctx.now);
        if let Some(known) = account.as_ref().filter(is_cached) {
            let login = users::recognise(known, ctx.now);
            return Ok((account, login));
        }
        let attempt = Attempt {
            password: password.clone(),
            mode: self.mode,
            now: ctx.now,
        };
        let (account, login) = self.passwords.verify(account, attempt).await?;
        // If there is nothing to write back, the password belongs to the hash in `account`.
        if let Some(account) = &account
            && is_right(login)
            && login.write_back.is_none()
        {
            self.verified.remember(account, password, ctx.now);
        }
        Ok((account, login))
    }

    /// Replaces the old password with the temporary one after its first use.
    async fn use_temporary(
        &self,
        account: &Account,
        ctx: &RequestContext<'_>,
    ) -> Result<(), Error> {
        let username = account.profile.username.as_str();
        let ctx = logged_in(username, ctx);
        let row = self
            .audit
            .row(&ctx.audit(username, "password.temporary_used"));
        Ok(self.users.use_temporary(account, ctx.now, &row).await?)
    }

    /// Returns the key of the account that a user name or an email address identifies. A user name
    /// takes precedence, so that another account with this address cannot lock out the owner of the
    /// name. An address counts only if it belongs to a single account. The calls are the same in every case.
    async fn resolve(
        &self,
        credential: &PasswordCredential,
        typed: UsernameKey,
    ) -> Result<UsernameKey, Error> {
        if is_address(credential) {
            let key = users::email_key(&credential.username);
            let by_name = self.users.find(&typed);
            let (by_name, by_email) = tokio::join!(by_name, self.users.with_email(&key));
            if let (None, [profile]) = (by_name?, by_email?.as_slice()) {
                return Ok(profile.username.clone());
            }
        }
        Ok(typed)
    }

    /// Rehashes the password with current parameters. The login is valid even if this fails.
    async fn rehash(&self, account: &Account, password: &Secret, ctx: &RequestContext<'_>) {
        let stored = match self.passwords.hash(password).await {
            Ok(hash) => self.users.rehash(account, &hash).await.map_err(Error::from),
            Err(error) => Err(error.into()),
        };
        let request_id = ctx.request_id;
        match stored {
            Ok(()) => tracing::info!(%request_id, event = "login.rehashed", "rehashed"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(%request_id, error, event = "login.not_rehashed", "not rehashed");
            }
        }
    }
}

/// Whether the user name may be an email address.
fn is_address(credential: &PasswordCredential) -> bool {
    credential.username.contains('@')
}

/// The context of a request whose caller is logged in.
pub(crate) fn logged_in<'a>(username: &'a str, ctx: &RequestContext<'a>) -> RequestContext<'a> {
    RequestContext {
        actor: Some(username),
        ..*ctx
    }
}

fn limited(ctx: &RequestContext<'_>) -> Error {
    let request_id = ctx.request_id;
    metrics::count(Metric::LoginsLimited);
    tracing::warn!(%request_id, event = "login.limited", "too many failed logins");
    Error::InvalidCredential
}

fn is_right(login: Login) -> bool {
    matches!(
        login.outcome,
        LoginOutcome::Valid | LoginOutcome::MustChange
    )
}
