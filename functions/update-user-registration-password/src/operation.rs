//! The operation: set a customer's password by e-mail address, on an administrator's behalf.

use std::ops::RangeInclusive;

use rand_core::CryptoRng;
use shared::audit::{Audit, Entry};
use shared::aws::Clients;
use shared::clock::Timestamp;
use shared::config::Config;
use shared::mail::{Brand, LoginUpdated, MailError, Mailer};
use shared::password::{self, Hasher, Salt, Secret, Verification, Weakness};
use shared::users::{Account, NewPassword, StoreError, User, UsernameKey, Users};

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
    mailer: Mailer,
    hasher: Hasher,
    brand: Brand,
    password_length: RangeInclusive<usize>,
}

impl UpdateUserRegistrationPassword {
    /// The operation with this configuration and these clients.
    #[must_use]
    pub fn new(config: Config, clients: Clients) -> Self {
        Self {
            users: Users::new(clients.dynamodb, config.users_table),
            audit: Audit::new(config.audit_table, config.audit_days),
            mailer: Mailer::new(clients.ses),
            hasher: Hasher::new(config.password_cost),
            brand: config.brand,
            password_length: config.password_min_length..=password::MAX_LENGTH,
        }
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
                tracing::info!(%request_id, reset_email_sent, "password set");
            }
            Err(error @ Error::Unavailable(_)) => {
                let error: &dyn std::error::Error = error;
                tracing::error!(%request_id, error, "password not set");
            }
            Err(refusal) => tracing::info!(%request_id, %refusal, "password not set"),
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
        let admin = self
            .authenticate(credential, now, Salt::generate(rng))
            .await?;
        if !admin.roles.contains(ROLE) {
            return Err(Error::RoleMissing);
        }
        let (email, new_password) = self.validate(input)?;
        let account = self
            .find(email, input.customer_brand_name.as_deref())
            .await?;
        self.check_strength(new_password, &account)?;

        let hash = self.hash(new_password.clone(), Salt::generate(rng)).await?;
        let entry = Entry {
            username: &account.username,
            at: now,
            event: "password.set",
            request_id: caller.request_id,
            source: caller.source,
            actor: Some(&admin.username),
            requester: input
                .requester
                .as_deref()
                .filter(|requester| !requester.is_empty()),
        };
        let audit = self.audit.put(&entry).map_err(unavailable)?;
        let password = NewPassword {
            hash: &hash,
            at: now,
        };
        self.users.set_password(&account, &password, audit).await?;

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
        now: Timestamp,
        salt: Salt,
    ) -> Result<User, Error> {
        let user = self.users.find(&self.login_name(credential).await?).await?;
        let stored = user.as_ref().and_then(|user| user.password_hash.clone());
        let (hasher, password) = (self.hasher.clone(), credential.password.clone());
        let verification = tokio::task::spawn_blocking(move || match stored {
            Some(stored) => hasher.verify(&password, &stored),
            None => Ok(hasher.verify_nothing(&password)),
        });
        let verification = verification
            .await
            .map_err(unavailable)?
            .map_err(unavailable)?;
        match (verification, user) {
            (Verification::Valid { needs_rehash }, Some(user)) if user.may_log_in(now) => {
                if needs_rehash {
                    self.rehash(&user, &credential.password, salt).await;
                }
                Ok(user)
            }
            _ => Err(Error::InvalidCredential),
        }
    }

    /// An e-mail address logs in too, if it is of one account. The calls are the same whether it
    /// is or not.
    async fn login_name(&self, credential: &Credential) -> Result<UsernameKey, Error> {
        if credential.username.contains('@') {
            let key = shared::users::email_key(&credential.username);
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
        if input.email.is_some() && !is_email(email) {
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
        let mut accounts = self
            .users
            .with_email(&shared::users::email_key(email))
            .await?;
        if accounts.len() > 1 {
            let brand = shared::users::brand_key(brand);
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

/// An address as FluentValidation's `Email` rule has it, near enough for every address SES could
/// deliver to: dot-separated atoms, `@`, and a domain of at least two labels.
fn is_email(address: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii())
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let address = address.trim();
    let is_clean = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    is_clean
        && address.rsplit_once('@').is_some_and(|(local, domain)| {
            local.split('.').all(is_atom) && domain.contains('.') && domain.split('.').all(is_label)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for address in [
            "a@example.com",
            "first.last+tag@sub.example.co.uk",
            "é@exämple.de",
        ] {
            assert!(is_email(address), "{address}");
        }
        for address in [
            "",
            " ",
            "nope",
            "a@b",
            "@example.com",
            "a@",
            "a@.com",
            "a..b@example.com",
            "a b@example.com",
            "a@exa mple.com",
            "a@-x.com",
            "a\r\nBcc:x@example.com",
            "a@b@c.com",
        ] {
            assert!(!is_email(address), "{address}");
        }
    }
}
