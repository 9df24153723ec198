//! The operation: set a customer's password by e-mail address, on an administrator's behalf.

use std::ops::RangeInclusive;

use password::{Hasher, Salt, Secret, Weakness};
use rand_core::CryptoRng;
use shared::audit::{Audit, Entry};
use shared::aws::{self, Clients};
use shared::brands::Brands;
use shared::clock::Timestamp;
use shared::hashing;
use shared::limits::{Limits, LimitsError};
use shared::mail::{self, Brand, LoginUpdated, MailError, Mailer, Reference};
use shared::metrics::{self, Metric};
use shared::pace::Pace;
use shared::users::{self, Account, StoreError, UsernameKey, Users};

use crate::Config;
use crate::credential_cache::CredentialCache;
use crate::login::{Credential, Logins, entry};

const ROLE: &str = "Admin";

/// What is asked for, as received.
#[derive(Clone, Default)]
pub struct Input {
    /// The customer's address.
    pub email: Option<String>,
    /// The password to set.
    pub new_password: Option<Secret>,
    /// Whether the customer gets a mail.
    pub send_reset_email: bool,
    /// Chooses among several accounts with one address, and is the brand of an account that has
    /// none.
    pub customer_brand_name: Option<String>,
    /// On whose behalf.
    pub requester: Option<String>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input(..)")
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

impl Outcome {
    /// The stable name of the log event: see `docs/audit.md`.
    pub const EVENT: &str = "password_set.done";
}

/// Why it is not.
#[derive(thiserror::Error)]
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

impl std::fmt::Debug for Error {
    /// The message, which names no address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
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
    #[must_use]
    pub fn event(&self) -> &'static str {
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

pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable(Box::new(error))
}

/// The operation and all it works with.
#[derive(Debug)]
pub struct UpdateUserRegistrationPassword {
    logins: Logins,
    users: Users,
    audit: Audit,
    mailer: Mailer,
    hasher: Hasher,
    brands: Brands,
    password_length: RangeInclusive<usize>,
}

impl UpdateUserRegistrationPassword {
    /// The operation with this configuration, this hasher and these clients. The random numbers are
    /// for a key that lives as long as the operation.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients, rng: &mut impl CryptoRng) -> Self {
        let Config {
            shared,
            login_failures_per_minute,
            credential_cache_seconds,
        } = config;
        let dynamodb = clients.dynamodb;
        let users = Users::new(dynamodb.clone(), shared.users_table);
        let audit = Audit::new(dynamodb.clone(), shared.audit_table, shared.audit_days);
        Self {
            logins: Logins {
                users: users.clone(),
                audit: audit.clone(),
                limits: Limits::new(dynamodb.clone(), shared.limits_table),
                failures_per_minute: login_failures_per_minute,
                mode: shared.reset_mode,
                hasher: hasher.clone(),
                verified: CredentialCache::new(credential_cache_seconds, rng),
            },
            users,
            audit,
            brands: Brands::new(dynamodb, shared.brands_table, shared.brand),
            mailer: Mailer::new(clients.ses),
            hasher,
            password_length: shared.password_min_length..=password::MAX_LENGTH,
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

    /// Sets the password.
    pub async fn execute(
        &self,
        credential: &Credential,
        input: &Input,
        caller: &Caller<'_>,
        pace: &Pace,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Outcome, Error> {
        let result = self.run(credential, input, caller, pace, now, rng).await;
        let request_id = caller.request_id;
        let event = result
            .as_ref()
            .map_or_else(Error::event, |_| Outcome::EVENT);
        match &result {
            Ok(Outcome {
                reset_email_sent, ..
            }) => {
                tracing::info!(%request_id, event, reset_email_sent, "password set");
            }
            Err(error @ Error::Unavailable(_)) => {
                let error: &dyn std::error::Error = error;
                metrics::count(Metric::Failures);
                tracing::error!(%request_id, event, error, "password not set");
            }
            Err(refusal) => {
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
        pace: &Pace,
        now: Timestamp,
        rng: &mut (impl CryptoRng + Send),
    ) -> Result<Outcome, Error> {
        let salt = Salt::generate(rng);
        let admin = self
            .logins
            .authenticate(credential, caller, pace, now, salt)
            .await?;
        if !admin.roles.contains(ROLE) {
            let entry = entry(&admin, "access.denied", caller, now);
            self.audit.record(&entry).await;
            return Err(Error::RoleMissing);
        }
        let (email, new_password) = self.validate(input)?;
        let brand_name = input.customer_brand_name.as_deref();
        let account = self.find(email, brand_name).await?;
        let brand_name = account.brand.as_deref().or(brand_name);
        let brand = self.brands.find(brand_name, caller.request_id, now).await;
        Self::check_strength(new_password, &account, brand_name, &brand)?;

        let hash = hash(&self.hasher, new_password, Salt::generate(rng)).await?;
        let requester = input.requester.as_deref();
        let entry = Entry {
            username: &account.username,
            requester: requester.filter(|requester| !requester.is_empty()),
            ..entry(&admin, "password.set", caller, now)
        };
        let audit = self.audit.put(&entry).map_err(unavailable)?;
        self.users.set_password(&account, &hash, now, audit).await?;

        let reset_email_sent =
            input.send_reset_email && self.mail(&account, &brand, caller.request_id, now).await;
        Ok(Outcome {
            id: account.id,
            display_name: account.display_name,
            reset_email_sent,
        })
    }

    fn validate<'a>(&self, input: &'a Input) -> Result<(&'a str, &'a Secret), Error> {
        let mut violations = Vec::new();
        let email = input.email.as_deref().unwrap_or_default();
        if email.trim().is_empty() {
            violations.push(Violation::EmailEmpty);
        }
        if input.email.is_some() && (!mail::is_address(email) || email.trim() != email) {
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
            accounts.retain(|account| users::brand_key(account.brand.as_deref()) == brand);
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

    fn check_strength(
        password: &Secret,
        account: &Account,
        brand_name: Option<&str>,
        brand: &Brand,
    ) -> Result<(), Error> {
        let context = [
            account.email.as_str(),
            &account.username,
            &account.display_username,
            &account.display_name,
            brand_name.unwrap_or_default(),
            &brand.product_name,
        ];
        match password::weakness(password, &context) {
            None => Ok(()),
            Some(weakness) => Err(Error::Invalid(vec![Violation::PasswordWeak(weakness)])),
        }
    }

    /// Whether SES accepted the mail. The password stays set either way.
    async fn mail(
        &self,
        account: &Account,
        brand: &Brand,
        request_id: &str,
        at: Timestamp,
    ) -> bool {
        match self.try_mail(account, brand, request_id, at).await {
            Ok(()) => true,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(%request_id, error, event = "mail.failed", "no change mailed");
                false
            }
        }
    }

    async fn try_mail(
        &self,
        account: &Account,
        brand: &Brand,
        request_id: &str,
        at: Timestamp,
    ) -> Result<(), MailError> {
        let mail = LoginUpdated {
            brand,
            language: account.language.as_deref(),
            display_name: &account.display_name,
            username: &account.display_username,
            at,
            request_id,
        };
        let reference = Reference {
            request_id,
            account: &UsernameKey::new(&account.username),
        };
        self.mailer
            .send(brand, &account.email, &mail.render()?, &reference)
            .await
    }
}

pub(crate) async fn hash(hasher: &Hasher, password: &Secret, salt: Salt) -> Result<Secret, Error> {
    let password = password.clone();
    hashing::hash(hasher, move |hasher| hasher.hash(&password, salt))
        .await
        .map_err(unavailable)?
        .map_err(unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_received_is_not_in_debug_output() {
        let mark = || "p@55wOrd".to_owned();
        let input = Input {
            email: Some(mark()),
            new_password: Some(Secret::from(mark())),
            customer_brand_name: Some(mark()),
            requester: Some(mark()),
            ..Input::default()
        };
        let credential = Credential {
            username: mark(),
            password: Secret::from(mark()),
        };
        let errors = [
            Error::UnknownCustomer { email: mark() },
            Error::AmbiguousCustomer { email: mark() },
        ];
        let shown = format!("{input:#?} {credential:#?} {errors:#?}");
        assert!(!shown.contains(&mark()), "{shown}");
    }
}
