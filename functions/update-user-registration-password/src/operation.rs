//! The operation: an administrator sets the password of a customer, who is identified by email
//! address.

use std::ops::RangeInclusive;
use std::sync::Arc;

use password::Secret;
use shared::audit::{Audit, Entry};
use shared::aws::Clients;
use shared::brands::Brands;
use shared::config::Notify;
use shared::context::RequestContext;
use shared::mail::{self, Brand, LoginUpdated, MailError, Mailer};
use shared::metrics::{self, Metric};
use shared::password_service::PasswordService;
use shared::response_floor::ResponseFloor;
use shared::users::{self, ADMIN_ROLE, Profile, Users};

use crate::authentication::logged_in;
use crate::caller::{Callers, Credential};
use crate::config::Config;
use crate::error::{Error, Violation};

/// The input of a call, as received.
#[derive(Clone, Default)]
pub struct Input {
    /// The customer's address.
    pub email: Option<String>,
    /// The password to set.
    pub new_password: Option<Secret>,
    /// Whether to mail the customer.
    pub send_reset_email: bool,
    /// The brand that selects one of several accounts with the same address, and that is used for
    /// an account without a brand.
    pub customer_brand_name: Option<String>,
    /// The person on whose behalf the caller acts.
    pub requester: Option<String>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input(..)")
    }
}

/// The result of a successful call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The customer number.
    pub id: u64,
    /// The name of the customer.
    pub display_name: String,
    /// Whether SES accepted the email, if one was requested.
    pub reset_email_sent: bool,
}

impl Outcome {
    /// The name of the log event (`docs/audit.md`). It does not change.
    pub const EVENT: &str = "password_set.done";
}

/// The operation and its dependencies.
#[derive(Debug)]
pub struct UpdateUserRegistrationPassword {
    callers: Arc<Callers>,
    pub(crate) users: Users,
    audit: Audit,
    pub(crate) mailer: Mailer,
    passwords: PasswordService,
    brands: Brands,
    password_length: RangeInclusive<usize>,
    notify: Notify,
}

impl UpdateUserRegistrationPassword {
    /// Makes the operation.
    #[must_use]
    pub fn new(
        config: Config,
        passwords: PasswordService,
        clients: Clients,
        callers: Arc<Callers>,
    ) -> Self {
        let Config { shared, notify, .. } = config;
        let dynamodb = clients.dynamodb;
        Self {
            callers,
            users: Users::new(dynamodb.clone(), shared.users_table),
            audit: Audit::new(dynamodb.clone(), shared.audit_table, shared.audit_days),
            brands: Brands::new(dynamodb, shared.brands_table, shared.brand),
            mailer: Mailer::new(clients.ses),
            passwords,
            password_length: shared.password_min_length..=password::MAX_LENGTH,
            notify,
        }
    }

    /// Sets the password.
    pub async fn execute(
        &self,
        credential: &Credential,
        input: &Input,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Outcome, Error> {
        let result = self.run(credential, input, ctx, floor).await;
        let request_id = ctx.request_id;
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
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Outcome, Error> {
        let admin = self.callers.identify(credential, ctx, floor).await?;
        let admin_name = admin.profile.username.as_str();
        let ctx = &logged_in(admin_name, ctx);
        if !admin.roles.contains(ADMIN_ROLE) {
            self.audit
                .record(&ctx.audit(admin_name, "access.denied"))
                .await;
            return Err(Error::RoleMissing);
        }
        let (email, new_password) = self.validate(input)?;
        let brand_name = input.customer_brand_name.as_deref();
        let customer = self.find(email, brand_name).await?;
        let brand_name = customer.brand.as_deref().or(brand_name);
        let brand = self.brands.find(brand_name, ctx).await;
        Self::check_strength(new_password, &customer, brand_name, &brand)?;

        let hash = self.passwords.hash(new_password).await?;
        let requester = input.requester.as_deref();
        let row = self.audit.row(&Entry {
            requester: requester.filter(|requester| !requester.is_empty()),
            ..ctx.audit(customer.username.as_str(), "password.set")
        });
        self.users
            .set_password(&customer, &hash, ctx.now, &row)
            .await?;

        let is_told = input.send_reset_email || self.notify == Notify::Always;
        let is_sent = is_told && self.mail(&customer, &brand, ctx).await;
        Ok(Outcome {
            id: customer.id,
            display_name: customer.display_name,
            // Clients that did not request an email expect `false`.
            reset_email_sent: input.send_reset_email && is_sent,
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

    /// Finds the customer with this address. The brand selects one of several customers, but is
    /// ignored if there is only one.
    async fn find(&self, email: &str, brand: Option<&str>) -> Result<Profile, Error> {
        let mut customers = self.users.with_email(&users::email_key(email)).await?;
        if customers.len() > 1 {
            let brand = users::brand_key(brand);
            customers.retain(|customer| users::brand_key(customer.brand.as_deref()) == brand);
            if customers.len() != 1 {
                return Err(Error::AmbiguousCustomer {
                    email: email.to_owned(),
                });
            }
        }
        customers.pop().ok_or_else(|| Error::UnknownCustomer {
            email: email.to_owned(),
        })
    }

    fn check_strength(
        password: &Secret,
        customer: &Profile,
        brand_name: Option<&str>,
        brand: &Brand,
    ) -> Result<(), Error> {
        let context = [
            customer.email.as_deref().unwrap_or_default(),
            customer.username.as_str(),
            &customer.display_username,
            &customer.display_name,
            brand_name.unwrap_or_default(),
            &brand.product_name,
        ];
        match password::weakness(password, &context) {
            None => Ok(()),
            Some(weakness) => Err(Error::Invalid(vec![Violation::PasswordWeak(weakness)])),
        }
    }

    /// Emails the customer. Returns whether SES accepted the email. A failure does not undo the
    /// change.
    async fn mail(&self, customer: &Profile, brand: &Brand, ctx: &RequestContext<'_>) -> bool {
        match self.try_mail(customer, brand, ctx).await {
            Ok(()) => true,
            Err(error) => {
                let (request_id, error) = (ctx.request_id, &error as &dyn std::error::Error);
                tracing::warn!(%request_id, error, event = "mail.failed", "customer not mailed");
                false
            }
        }
    }

    async fn try_mail(
        &self,
        customer: &Profile,
        brand: &Brand,
        ctx: &RequestContext<'_>,
    ) -> Result<(), MailError> {
        let mail = LoginUpdated {
            brand,
            recipient: customer,
            at: ctx.now,
            request_id: ctx.request_id,
        };
        let mail = mail.render()?;
        self.mailer
            .send(brand, customer, &mail, ctx.request_id)
            .await
    }
}

#[cfg(test)]
mod tests {
    use shared::sessions::SessionId;

    use super::*;
    use crate::authentication::PasswordCredential;

    #[test]
    fn received_values_are_not_in_debug_output() {
        let mark = || "p@55wOrd".to_owned();
        let input = Input {
            email: Some(mark()),
            new_password: Some(Secret::from(mark())),
            customer_brand_name: Some(mark()),
            requester: Some(mark()),
            ..Input::default()
        };
        let credential = PasswordCredential {
            username: mark(),
            password: Secret::from(mark()),
        };
        let session = SessionId::parse(&"p@55wOrd".repeat(3).replace('@', "_"));
        let session = session.map(Credential::Session).unwrap();
        let shown = format!("{input:#?} {credential:#?} {session:#?}");
        assert!(
            !shown.contains(&mark()) && !shown.contains("55wOrd"),
            "{shown}"
        );
    }
}
