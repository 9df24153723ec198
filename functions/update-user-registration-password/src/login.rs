//! The login of the caller, by user name or e-mail address.

use password::{HashError, Hasher, Salt, Secret};
use shared::audit::{Audit, Entry};
use shared::clock::Timestamp;
use shared::hashing;
use shared::limits::{Limits, LimitsError, Rule, Subject};
use shared::metrics::{self, Metric};
use shared::pace::Pace;
use shared::users::{self, Login, Outcome, ResetMode, User, UsernameKey, Users, WriteBack};

use crate::credential_cache::CredentialCache;
use crate::operation::{Caller, Error, hash, unavailable};

/// A source may fail this many times as often as one name from it: it may be an office.
const NAMES_PER_SOURCE: u32 = 5;

/// Who the caller says it is.
#[derive(Clone)]
pub struct Credential {
    /// A user name or an e-mail address.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Verifies credentials, and counts those that are wrong.
#[derive(Debug)]
pub(crate) struct Logins {
    pub(crate) users: Users,
    pub(crate) audit: Audit,
    pub(crate) limits: Limits,
    pub(crate) failures_per_minute: u32,
    pub(crate) mode: ResetMode,
    pub(crate) hasher: Hasher,
    pub(crate) verified: CredentialCache,
}

impl Logins {
    /// The account of a credential. An unknown name costs as much as a wrong password, and what
    /// fails is answered at the pace of all that fails: an older hash may cost less, an imported
    /// one more.
    pub(crate) async fn authenticate(
        &self,
        credential: &Credential,
        caller: &Caller<'_>,
        pace: &Pace,
        now: Timestamp,
        salt: Salt,
    ) -> Result<User, Error> {
        let failures = self.failures(credential, caller);
        // No pause: nothing was read that could show, and a flood must not occupy the function.
        if self.limits.is_known_used_up(&failures, now) {
            return Err(limited(caller));
        }
        let name = self.login_name(credential).await?;
        let user = match self.limits.reads(&failures)? {
            None => self.users.find(&name).await?,
            Some(limits) => {
                let (found, uses) = self.users.find_with(&name, limits).await?;
                if self.limits.is_used_up(&failures, &uses, now) {
                    pace.wait().await;
                    return Err(limited(caller));
                }
                found.user()?
            }
        };
        let password = &credential.password;
        let (user, login) = self.verify(user, password, now).await?;
        let Some(user) = user.filter(|_| is_right(login)) else {
            metrics::count(Metric::LoginFailures);
            // Also beyond the limit: attempts that come at once all pass before the first is counted.
            let counted = self.limits.count(&failures, now).await;
            // A right password is told so at once.
            pace.wait().await;
            return Err(match counted {
                Ok(()) => Error::InvalidCredential,
                Err(LimitsError::Busy) => not_counted(caller),
                Err(error) => error.into(),
            });
        };
        match login.write_back {
            Some(WriteBack::Rehash) => self.rehash(&user, password, caller, salt).await,
            Some(WriteBack::UseTemporary) => self.use_temporary(&user, caller, now).await?,
            None => {}
        }
        Ok(user)
    }

    /// What failed logins are counted by. By name and source, not by name alone: a stranger must
    /// not lock an administrator out.
    fn failures(&self, credential: &Credential, caller: &Caller<'_>) -> [Subject; 2] {
        let name = UsernameKey::new(&credential.username);
        let most = self.failures_per_minute;
        let of_source = most.saturating_mul(NAMES_PER_SOURCE);
        [
            Subject::name(
                "login",
                &name,
                Some(caller.source),
                [Rule::per_minute(most)],
            ),
            Subject::source("login", caller.source, [Rule::per_minute(of_source)]),
        ]
    }

    async fn verify(
        &self,
        user: Option<User>,
        password: &Secret,
        now: Timestamp,
    ) -> Result<(Option<User>, Login), Error> {
        let is_known = |user: &&User| self.verified.recognises(user, password, now);
        if let Some(known) = user.as_ref().filter(is_known) {
            let login = users::recognise(known, now);
            return Ok((user, login));
        }
        let (mode, copy) = (self.mode, password.clone());
        let (user, login) = hashing::hash(&self.hasher, move |hasher| {
            let login = users::verify(hasher, mode, user.as_ref(), &copy, now)?;
            Ok((user, login))
        })
        .await
        .map_err(unavailable)?
        .map_err(|error: HashError| unavailable(error))?;
        // With nothing to write, it is the password of the hash that the account was read with.
        if let Some(user) = &user
            && is_right(login)
            && login.write_back.is_none()
        {
            self.verified.remember(user, password, now);
        }
        Ok((user, login))
    }

    /// The first login with a temporary password: from now on it is the only one.
    async fn use_temporary(
        &self,
        user: &User,
        caller: &Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let entry = entry(user, "password.temporary_used", caller, now);
        let audit = self.audit.put(&entry).map_err(unavailable)?;
        Ok(self.users.use_temporary(user, now, audit).await?)
    }

    /// An e-mail address logs in too, if it is of one account. The calls are the same whether it
    /// is or not.
    async fn login_name(&self, credential: &Credential) -> Result<UsernameKey, Error> {
        if credential.username.contains('@') {
            let key = users::email_key(&credential.username);
            if let [account] = self.users.with_email(&key).await?.as_slice() {
                return Ok(UsernameKey::new(&account.username));
            }
        }
        Ok(UsernameKey::new(&credential.username))
    }

    /// Stores the password under today's parameters. The login is valid whether that works or not.
    async fn rehash(&self, user: &User, password: &Secret, caller: &Caller<'_>, salt: Salt) {
        let stored = match hash(&self.hasher, password, salt).await {
            Ok(hash) => self.users.rehash(user, &hash).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        let request_id = caller.request_id;
        match stored {
            Ok(()) => tracing::info!(%request_id, event = "login.rehashed", "rehashed"),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(%request_id, error, event = "login.not_rehashed", "not rehashed");
            }
        }
    }
}

fn limited(caller: &Caller<'_>) -> Error {
    let request_id = caller.request_id;
    metrics::count(Metric::LoginsLimited);
    tracing::warn!(%request_id, event = "login.limited", "too many failed logins");
    Error::InvalidCredential
}

/// Others are being counted: the answer is the same, and the limit is reached the later.
fn not_counted(caller: &Caller<'_>) -> Error {
    let (request_id, error) = (
        caller.request_id,
        &LimitsError::Busy as &dyn std::error::Error,
    );
    metrics::count(Metric::Failures);
    tracing::error!(%request_id, error, event = "limits.failed", "not counted");
    Error::InvalidCredential
}

fn is_right(login: Login) -> bool {
    matches!(login.outcome, Outcome::Valid | Outcome::MustChange)
}

/// An audit row about what a caller who is logged in did to the own account.
pub(crate) fn entry<'a>(
    caller_account: &'a User,
    event: &'static str,
    caller: &Caller<'a>,
    now: Timestamp,
) -> Entry<'a> {
    Entry {
        username: &caller_account.username,
        at: now,
        event,
        request_id: caller.request_id,
        source: caller.source,
        actor: Some(&caller_account.username),
        requester: None,
        detail: None,
    }
}
