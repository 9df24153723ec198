//! The operation: set a customer's password by e-mail address, on an administrator's behalf.

use std::ops::RangeInclusive;

use rand_core::CryptoRng;
use shared::audit::{Audit, Entry};
use shared::aws::{self, Clients};
use shared::clock::Timestamp;
use shared::limits::{Limits, LimitsError, Rule, Subject};
use shared::mail::{self, Brand, LoginUpdated, MailError, Mailer};
use shared::password::{self, Hasher, Salt, Secret, Weakness};
use shared::users::{
    self, Account, Login, Outcome as Verified, ResetMode, StoreError, User, UsernameKey, Users,
    WriteBack,
};

use crate::Config;

const ROLE: &str = "Admin";

/// A source may fail this many times as often as one name from it: it may be an office.
const NAMES_PER_SOURCE: u32 = 5;

/// What is asked for, as received.
#[derive(Clone, Default)]
pub struct Input {
    /// The customer's address.
    pub email: Option<String>,
    /// The password to set.
    pub new_password: Option<Secret>,
    /// Whether the customer gets a mail.
    pub send_reset_email: bool,
    /// Chooses among several accounts with one address.
    pub customer_brand_name: Option<String>,
    /// On whose behalf.
    pub requester: Option<String>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input(..)")
    }
}

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

/// Where the request came from.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The address, as the gateway saw it.
    pub source: &'a str,
    /// The invocation.
    pub request_id: &'a str,
}

/// The password is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The customer number.
    pub id: u64,
    /// The name of the customer.
    pub display_name: String,
    /// Whether SES accepted the mail, if one was asked for.
    pub reset_email_sent: bool,
}

/// Why it is not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name or the password is wrong, or the account may not log in.
    #[error("the credential is not valid")]
    InvalidCredential,
    /// The caller is not an administrator.
    #[error("the caller lacks the role")]
    RoleMissing,
    /// The input breaks these rules.
    #[error("the input is not valid")]
    Invalid(Vec<Violation>),
    /// No customer has this address.
    #[error("no customer has this address")]
    UnknownCustomer {
        /// The address, as received.
        email: String,
    },
    /// Several customers have this address, and the brand chooses none of them.
    #[error("several customers have this address")]
    AmbiguousCustomer {
        /// The address, as received.
        email: String,
    },
    /// The account changed while it was being changed here.
    #[error("the account changed meanwhile")]
    Conflict,
    /// The service cannot do it now.
    #[error("the service failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A rule for the input that is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// There is no address.
    EmailEmpty,
    /// The address is none.
    EmailMalformed,
    /// There is no password.
    PasswordEmpty,
    /// The password is too short or too long, in code points.
    PasswordLength {
        /// What is allowed.
        allowed: RangeInclusive<usize>,
        /// What was entered.
        entered: usize,
    },
    /// The password is easily guessed.
    PasswordWeak(Weakness),
}

impl Error {
    /// The stable name of the log event: see `docs/audit.md`.
    fn event(&self) -> &'static str {
        match self {
            Self::InvalidCredential => "login.refused",
            Self::RoleMissing => "login.role_missing",
            Self::Unavailable(_) => "password_set.failed",
            Self::Invalid(_)
            | Self::UnknownCustomer { .. }
            | Self::AmbiguousCustomer { .. }
            | Self::Conflict => "password_set.refused",
        }
    }
}

impl From<LimitsError> for Error {
    fn from(error: LimitsError) -> Self {
        unavailable(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict,
            error => unavailable(error),
        }
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable(Box::new(error))
}

/// The operation and all it works with.
#[derive(Debug)]
pub struct UpdateUserRegistrationPassword {
    users: Users,
    audit: Audit,
    limits: Limits,
    login_failures_per_minute: u32,
    mode: ResetMode,
    mailer: Mailer,
    hasher: Hasher,
    brand: Brand,
    password_length: RangeInclusive<usize>,
}

impl UpdateUserRegistrationPassword {
    /// The operation with this configuration and these clients.
    #[must_use]
    pub fn new(config: Config, clients: Clients) -> Self {
        let Config {
            shared,
            login_failures_per_minute,
        } = config;
        let dynamodb = clients.dynamodb;
        Self {
            users: Users::new(dynamodb.clone(), shared.users_table),
            audit: Audit::new(dynamodb.clone(), shared.audit_table, shared.audit_days),
            limits: Limits::new(dynamodb, shared.limits_table),
            login_failures_per_minute,
            mode: shared.reset_mode,
            mailer: Mailer::new(clients.ses),
            hasher: Hasher::new(shared.password_cost),
            brand: shared.brand,
            password_length: shared.password_min_length..=password::MAX_LENGTH,
        }
    }

    /// Opens the connections to DynamoDB and SES.
    pub async fn connect(&self) {
        aws::connect(&self.users, &self.mailer).await;
    }

    /// Whether the table answers.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.users.check().await
    }

    /// Sets the password.
    pub async fn execute(
        &self,
        credential: &Credential,
        input: &Input,
        caller: &Caller<'_>,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Outcome, Error> {
        let result = self.run(credential, input, caller, now, rng).await;
        let request_id = caller.request_id;
        match &result {
            Ok(Outcome {
                reset_email_sent, ..
            }) => {
                let event = "password_set.done";
                tracing::info!(%request_id, event, reset_email_sent, "password set");
            }
            Err(error @ Error::Unavailable(_)) => {
                let (event, error) = (error.event(), error as &dyn std::error::Error);
                tracing::error!(%request_id, event, error, "password not set");
            }
            Err(refusal) => {
                let event = refusal.event();
                tracing::info!(%request_id, event, %refusal, "password not set");
            }
        }
        result
    }

    async fn run(
        &self,
        credential: &Credential,
        input: &Input,
        caller: &Caller<'_>,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Outcome, Error> {
        let salt = Salt::generate(rng);
        let admin = self.authenticate(credential, caller, now, salt).await?;
        if !admin.roles.contains(ROLE) {
            let entry = entry(&admin, "access.denied", caller, now);
            self.audit.record(&entry).await;
            return Err(Error::RoleMissing);
        }
        let (email, new_password) = self.validate(input)?;
        let account = self
            .find(email, input.customer_brand_name.as_deref())
            .await?;
        self.check_strength(new_password, &account)?;

        let hash = self.hash(new_password.clone(), Salt::generate(rng)).await?;
        let requester = input.requester.as_deref();
        let entry = Entry {
            username: &account.username,
            requester: requester.filter(|requester| !requester.is_empty()),
            ..entry(&admin, "password.set", caller, now)
        };
        let audit = self.audit.put(&entry).map_err(unavailable)?;
        self.users.set_password(&account, &hash, now, audit).await?;

        let reset_email_sent =
            input.send_reset_email && self.mail(&account, caller.request_id, now).await;
        Ok(Outcome {
            id: account.id,
            display_name: account.display_name,
            reset_email_sent,
        })
    }

    /// The account of a credential. An unknown name costs as much as a wrong password.
    async fn authenticate(
        &self,
        credential: &Credential,
        caller: &Caller<'_>,
        now: Timestamp,
        salt: Salt,
    ) -> Result<User, Error> {
        let failures = self.failures(credential, caller);
        if self.limits.is_used_up(&failures, now).await? {
            let request_id = caller.request_id;
            tracing::warn!(%request_id, event = "login.limited", "too many failed logins");
            return Err(Error::InvalidCredential);
        }
        let user = self.users.find(&self.login_name(credential).await?).await?;
        let (user, login) = self.verify(user, &credential.password, now).await?;
        let is_right = matches!(login.outcome, Verified::Valid | Verified::MustChange);
        let Some(user) = user.filter(|_| is_right) else {
            // One failure more than the limit changes nothing.
            let _ = self.limits.admit(&failures, now).await?;
            return Err(Error::InvalidCredential);
        };
        match login.write_back {
            Some(WriteBack::Rehash) => self.rehash(&user, &credential.password, salt).await,
            Some(WriteBack::UseTemporary) => self.use_temporary(&user, caller, now).await?,
            None => {}
        }
        Ok(user)
    }

    /// What failed logins are counted by. By name and source, not by name alone: a stranger must
    /// not lock an administrator out.
    fn failures(&self, credential: &Credential, caller: &Caller<'_>) -> [Subject; 2] {
        let name = UsernameKey::new(&credential.username);
        let most = self.login_failures_per_minute;
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
        let (hasher, mode, password) = (self.hasher.clone(), self.mode, password.clone());
        tokio::task::spawn_blocking(move || {
            let login = users::verify(&hasher, mode, user.as_ref(), &password, now)?;
            Ok((user, login))
        })
        .await
        .map_err(unavailable)?
        .map_err(|error: password::HashError| unavailable(error))
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
    async fn rehash(&self, user: &User, password: &Secret, salt: Salt) {
        let stored = match self.hash(password.clone(), salt).await {
            Ok(hash) => self.users.rehash(user, &hash).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::warn!(error = &error as &dyn std::error::Error, "rehash failed");
        }
    }

    fn validate<'a>(&self, input: &'a Input) -> Result<(&'a str, &'a Secret), Error> {
        let mut violations = Vec::new();
        let email = input.email.as_deref().unwrap_or_default();
        if email.trim().is_empty() {
            violations.push(Violation::EmailEmpty);
        }
        if input.email.is_some() && !mail::is_address(email) {
            violations.push(Violation::EmailMalformed);
        }
        match &input.new_password {
            None => violations.push(Violation::PasswordEmpty),
            Some(password) => {
                if password::is_blank(password) {
                    violations.push(Violation::PasswordEmpty);
                }
                let (allowed, entered) = (&self.password_length, password::length(password));
                if !allowed.contains(&entered) {
                    let allowed = allowed.clone();
                    violations.push(Violation::PasswordLength { allowed, entered });
                }
            }
        }
        match &input.new_password {
            Some(password) if violations.is_empty() => Ok((email, password)),
            _ => Err(Error::Invalid(violations)),
        }
    }

    /// The customer with this address. The brand chooses among several and never refuses the only
    /// one.
    async fn find(&self, email: &str, brand: Option<&str>) -> Result<Account, Error> {
        let mut accounts = self.users.with_email(&users::email_key(email)).await?;
        if accounts.len() > 1 {
            let brand = users::brand_key(brand);
            accounts.retain(|account| account.brand == brand);
            if accounts.len() != 1 {
                return Err(Error::AmbiguousCustomer {
                    email: email.to_owned(),
                });
            }
        }
        accounts.pop().ok_or_else(|| Error::UnknownCustomer {
            email: email.to_owned(),
        })
    }

    fn check_strength(&self, password: &Secret, account: &Account) -> Result<(), Error> {
        let context = [
            account.email.as_str(),
            &account.username,
            &account.display_username,
            &account.display_name,
            &account.brand,
            &self.brand.product_name,
        ];
        match password::weakness(password, &context) {
            None => Ok(()),
            Some(weakness) => Err(Error::Invalid(vec![Violation::PasswordWeak(weakness)])),
        }
    }

    async fn hash(&self, password: Secret, salt: Salt) -> Result<Secret, Error> {
        let hasher = self.hasher.clone();
        tokio::task::spawn_blocking(move || hasher.hash(&password, salt))
            .await
            .map_err(unavailable)?
            .map_err(unavailable)
    }

    /// Whether SES accepted the mail. The password stays set either way.
    async fn mail(&self, account: &Account, request_id: &str, at: Timestamp) -> bool {
        match self.try_mail(account, request_id, at).await {
            Ok(()) => true,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(%request_id, error, "the change could not be mailed");
                false
            }
        }
    }

    async fn try_mail(
        &self,
        account: &Account,
        request_id: &str,
        at: Timestamp,
    ) -> Result<(), MailError> {
        let mail = LoginUpdated {
            brand: &self.brand,
            display_name: &account.display_name,
            username: &account.display_username,
            at,
            request_id,
        };
        self.mailer
            .send(&self.brand, &account.email, &mail.render()?)
            .await
    }
}

/// An audit row about what a caller who is logged in did to the own account.
fn entry<'a>(
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
    }
}
