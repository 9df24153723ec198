//! The session of a run: clients, tables and operator.

use std::cell::OnceCell;

use aws_sdk_dynamodb::types::TransactWriteItem;
use shared::audit::{self, Audit, Entry};
use shared::aws::Clients;
use shared::clock::{Clock, Timestamp};
use shared::config::{self, ConfigError, Env};
use shared::context::RequestContext;
use shared::dynamodb::StoreError;
use shared::text::one_line;
use shared::users::{Account, Change, MAX_ID, Profile, UsernameKey, Users, brand_key, email_key};
use uuid::Uuid;

use crate::Error;
use crate::connection::Connection;
use crate::identity::{Claim, Operator};
use crate::settings::{NO_OPERATOR, Settings};

/// The source recorded in audit rows.
const SOURCE: &str = "accounts";

/// Returns the message for an unreadable account. Only `id` and `version` can make it unreadable.
fn unreadable(key: &UsernameKey) -> String {
    let key = key.as_str();
    format!(
        "account {key} is unreadable: its attribute id must be a whole number from 0 to {MAX_ID}, \
         and version, if present, a whole number; `accounts disable` and `accounts delete` still \
         work"
    )
}

/// The session of a run.
pub(crate) struct Session<'a> {
    pub(crate) settings: Settings<'a>,
    pub(crate) clock: Clock,
    /// The start of the run.
    pub(crate) now: Timestamp,
    pub(crate) request_id: String,
    clients: OnceCell<Clients>,
    operator: OnceCell<Operator>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(connection: &'a Connection, variables: Env<'a>, clock: Clock) -> Self {
        Self {
            settings: Settings::new(connection, variables),
            now: clock.now(),
            clock,
            request_id: Uuid::new_v4().to_string(),
            clients: OnceCell::new(),
            operator: OnceCell::new(),
        }
    }

    /// Reads configuration from options, the stack and the environment.
    pub(crate) fn configured<T>(
        &self,
        read: impl FnOnce(Env<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        self.settings.configured(read)
    }

    /// Returns the clients of DynamoDB and SES.
    pub(crate) fn clients(&self) -> Result<&Clients, ConfigError> {
        if let Some(clients) = self.clients.get() {
            return Ok(clients);
        }
        let clients = self.settings.clients()?;
        Ok(self.clients.get_or_init(|| clients))
    }

    /// Returns the client of SES; `None` with a custom DynamoDB endpoint but no SES endpoint.
    pub(crate) fn ses(&self) -> Result<Option<&aws_sdk_sesv2::Client>, ConfigError> {
        Ok(self
            .settings
            .can_send_mail()
            .then_some(&self.clients()?.ses))
    }

    pub(crate) fn users(&self) -> Result<Users, ConfigError> {
        let dynamodb = self.clients()?.dynamodb.clone();
        Ok(Users::new(dynamodb, self.users_table()?))
    }

    pub(crate) fn users_table(&self) -> Result<String, ConfigError> {
        self.configured(|variables| variables.required("USERS_TABLE"))
    }

    pub(crate) fn audit_table(&self) -> Result<String, ConfigError> {
        self.configured(|variables| variables.required("AUDIT_TABLE"))
    }

    /// Identifies the operator for audit rows.
    pub(crate) async fn identify(&self) -> Result<(), Error> {
        let has_custom_endpoint = self.settings.has_custom_endpoint();
        let sdk = self.settings.sdk()?;
        let claim = self.configured(|env| Claim::read(env, sdk, has_custom_endpoint))?;
        let operator = claim.identify().await?;
        self.operator.get_or_init(|| operator);
        Ok(())
    }

    /// Returns the operator identified by [`Session::identify`].
    fn operator(&self) -> Result<&Operator, Error> {
        let operator = self.operator.get();
        operator.ok_or_else(|| Error::Usage(NO_OPERATOR.to_owned()))
    }

    /// Reads an account consistently.
    pub(crate) async fn find(&self, username: &str) -> Result<Account, Error> {
        let key = UsernameKey::new(username);
        match self.users()?.find(&key).await {
            Ok(Some(account)) => Ok(account),
            Ok(None) => Err(self.unknown(username).await),
            Err(StoreError::Malformed) => Err(Error::Refused(unreadable(&key))),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the error for a user name without an account. It names the accounts with this
    /// address.
    pub(crate) async fn unknown(&self, username: &str) -> Error {
        let shown = one_line(username);
        let names = match self.users() {
            Ok(users) if username.contains('@') => users.with_email(&email_key(username)).await,
            _ => Ok(vec![]),
        };
        let names = names.unwrap_or_default().into_iter();
        let names: Vec<_> = names.map(|other| other.display_username).collect();
        Error::NotFound(match names.as_slice() {
            [] => format!(
                "account {shown} not found; use `accounts find` to search by part of a name"
            ),
            names => format!(
                "account {shown} not found; this is the address of {}",
                names.join(", ")
            ),
        })
    }

    /// Refuses an address that another account of the same brand has, because
    /// `UpdateUserRegistrationPassword` could not choose between them.
    pub(crate) async fn check_address(
        &self,
        username: &UsernameKey,
        email: &str,
        brand: Option<&str>,
    ) -> Result<(), Error> {
        let brand = brand_key(brand);
        let found = self.users()?.with_email(&email_key(email)).await?;
        let others = found.into_iter().filter(|other| {
            brand_key(other.brand.as_deref()) == brand && other.username != *username
        });
        let others: Vec<_> = others.map(|other| other.display_username).collect();
        if others.is_empty() {
            return Ok(());
        }
        let others = others.join(", ");
        let text = format!("the address already belongs to {others} in the same brand");
        Err(Error::Refused(text))
    }

    /// Returns a warning if the address is the user name of another account.
    pub(crate) async fn name_clash(
        &self,
        profile: &Profile,
        email: &str,
    ) -> Result<Option<String>, Error> {
        let key = UsernameKey::new(email);
        if key == profile.username {
            return Ok(None);
        }
        let other = self.users()?.find(&key).await?;
        Ok(other.map(|_| {
            "warning: the address is the user name of another account; only that account can log in with it"
                .to_owned()
        }))
    }

    /// Returns a warning if the user name is the address of another account.
    pub(crate) async fn address_clash(&self, profile: &Profile) -> Result<Option<String>, Error> {
        if !profile.display_username.contains('@') {
            return Ok(None);
        }
        let key = email_key(&profile.display_username);
        let found = self.users()?.with_email(&key).await?;
        let has_other = found.iter().any(|other| other.username != profile.username);
        Ok(has_other.then(|| {
            "warning: the user name is the address of another account, which can no longer log in \
             with it"
                .to_owned()
        }))
    }

    /// Returns the audit row for a change to the account or brand with this key.
    pub(crate) fn audit_row(
        &self,
        key: &str,
        event: &'static str,
        detail: Option<&str>,
    ) -> Result<audit::Row, Error> {
        let days = self.configured(config::audit_days)?;
        let audit = Audit::new(self.clients()?.dynamodb.clone(), self.audit_table()?, days);
        let entry = Entry {
            detail,
            ..self.context()?.audit(key, event)
        };
        Ok(audit.row(&entry))
    }

    /// Returns the context of a request by this operator.
    pub(crate) fn context(&self) -> Result<RequestContext<'_>, Error> {
        let operator = self.operator()?;
        Ok(RequestContext {
            request_id: &self.request_id,
            source: SOURCE,
            actor: Some(&operator.actor),
            requester: operator.requester.as_deref(),
            now: self.now,
        })
    }

    /// Changes an account and writes the audit row in one transaction.
    pub(crate) async fn change(
        &self,
        username: &UsernameKey,
        change: &Change,
        event: &'static str,
        detail: Option<&str>,
    ) -> Result<(), Error> {
        let events = [(event, detail)];
        self.change_with(username, change, &events, None).await
    }

    /// Changes an account and writes an audit row for each event with its detail, in one
    /// transaction that also checks the condition.
    pub(crate) async fn change_with(
        &self,
        username: &UsernameKey,
        change: &Change,
        events: &[(&'static str, Option<&str>)],
        condition: Option<TransactWriteItem>,
    ) -> Result<(), Error> {
        let mut others = Vec::from_iter(condition);
        for (event, detail) in events {
            let row = self.audit_row(username.as_str(), event, *detail)?;
            others.push(row.write()?);
        }
        let users = self.users()?;
        Ok(users.change_with(username, change, others).await?)
    }
}
