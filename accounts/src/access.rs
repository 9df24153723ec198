//! Where the tables are, and who is at work on them.

use std::cell::OnceCell;

use clap::Args;
use shared::audit::{self, Audit, Entry};
use shared::aws::{AwsConfig, Clients};
use shared::clock::Timestamp;
use shared::config::{self, ConfigError, Env};
use shared::context::RequestContext;
use shared::users::{Account, Change, Profile, UsernameKey, Users, brand_key, email_key};
use uuid::Uuid;

use crate::Error;
use crate::failure::Place;
use crate::identity::{Claim, Operator};

/// The error of an operator without a name.
const NAMELESS: &str = "say who you are, with --operator or USER";

/// What audit rows say of where a change came from.
const SOURCE: &str = "accounts";

#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// Where DynamoDB is, if not at AWS; needs no region and no credentials
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// Where SES is, if not at AWS
    #[arg(long, global = true, value_name = "URL")]
    ses_endpoint: Option<String>,
    /// The Users table; else `USERS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    users_table: Option<String>,
    /// The Audit table; else `AUDIT_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    audit_table: Option<String>,
    /// The Brands table, which brand and reset need; else `BRANDS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    brands_table: Option<String>,
    /// The Limits table, which reset needs; else `LIMITS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    limits_table: Option<String>,
    /// Who is at work, for the audit trail, at most 64 characters; else `USER`
    #[arg(long, global = true, value_name = "NAME")]
    operator: Option<String>,
}

impl Connection {
    /// A variable of the environment, or what an option says instead. An endpoint of one's own
    /// checks neither region nor credentials, so anything will do there.
    fn variable(&self, variables: Env<'_>, name: &str) -> Option<String> {
        let option = match name {
            "AWS_ENDPOINT_URL_DYNAMODB" => &self.endpoint,
            "AWS_ENDPOINT_URL_SESV2" => &self.ses_endpoint,
            "USERS_TABLE" => &self.users_table,
            "AUDIT_TABLE" => &self.audit_table,
            "BRANDS_TABLE" => &self.brands_table,
            "LIMITS_TABLE" => &self.limits_table,
            "USER" => &self.operator,
            _ => &None,
        };
        let given = option.clone().or_else(|| variables.optional(name));
        let is_elsewhere = self.endpoint.is_some();
        given.or_else(|| match name {
            "AWS_REGION" => variables
                .optional("AWS_DEFAULT_REGION")
                .or_else(|| is_elsewhere.then(|| "us-east-1".to_owned())),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => {
                is_elsewhere.then(|| "local".to_owned())
            }
            _ => None,
        })
    }
}

/// One run of the program.
pub(crate) struct Session<'a> {
    connection: &'a Connection,
    variables: Env<'a>,
    pub(crate) now: Timestamp,
    pub(crate) request_id: String,
    clients: OnceCell<Clients>,
    operator: OnceCell<Operator>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(connection: &'a Connection, variables: Env<'a>, now: Timestamp) -> Self {
        Self {
            connection,
            variables,
            now,
            request_id: Uuid::new_v4().to_string(),
            clients: OnceCell::new(),
            operator: OnceCell::new(),
        }
    }

    /// Reads configuration from the environment and the options.
    pub(crate) fn configured<T>(
        &self,
        read: impl FnOnce(Env<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let lookup = |name: &str| self.connection.variable(self.variables, name);
        read(Env::new(&lookup))
    }

    /// The SDK's clients; `import --dry-run` needs none.
    pub(crate) fn clients(&self) -> Result<&Clients, ConfigError> {
        if let Some(clients) = self.clients.get() {
            return Ok(clients);
        }
        let clients = self.configured(AwsConfig::read).and_then(Clients::new)?;
        Ok(self.clients.get_or_init(|| clients))
    }

    /// The client of SES; none where DynamoDB is not at AWS and no SES is given: that of AWS is not
    /// meant then.
    pub(crate) fn ses(&self) -> Result<Option<&aws_sdk_sesv2::Client>, ConfigError> {
        let is_given = |name| self.configured(|env| Ok(env.optional(name).is_some()));
        let is_meant =
            is_given("AWS_ENDPOINT_URL_SESV2")? || !is_given("AWS_ENDPOINT_URL_DYNAMODB")?;
        Ok(is_meant.then_some(&self.clients()?.ses))
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

    /// Checks that all variables with these names have a value, and names all that have none.
    pub(crate) fn require(&self, names: &[&'static str]) -> Result<(), Error> {
        let is_missing = |name: &str| {
            self.connection
                .variable(self.variables, name)
                .is_none_or(|value| value.trim().is_empty())
        };
        let missing = names.iter().copied().filter(|name| is_missing(name));
        let (people, variables): (Vec<&str>, Vec<_>) = missing.partition(|name| *name == "USER");
        let mut reasons = Vec::new();
        match variables.as_slice() {
            [] => {}
            [name] => reasons.push(format!("{name} is not set")),
            [names @ .., last] => {
                reasons.push(format!("{} and {last} are not set", names.join(", ")));
            }
        }
        reasons.extend(people.first().map(|_| NAMELESS.to_owned()));
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Error::Usage(reasons.join("; ")))
        }
    }

    /// Finds out who is at work, which all that is written says.
    pub(crate) async fn identify(&self) -> Result<(), Error> {
        let is_elsewhere = self.connection.endpoint.is_some();
        let claim = self.configured(|env| Claim::read(env, is_elsewhere))?;
        let operator = claim.identify().await?;
        self.operator.get_or_init(|| operator);
        Ok(())
    }

    /// Who is at work, once [`Session::identify`] has found out.
    fn operator(&self) -> Result<&Operator, Error> {
        let operator = self.operator.get();
        operator.ok_or_else(|| Error::Usage(NAMELESS.to_owned()))
    }

    /// Where a command with these variables is carried out.
    pub(crate) fn place(&self, names: &[&'static str]) -> Place {
        let value = |name: &str| self.connection.variable(self.variables, name);
        // A file that is only checked is compared with this table, if there is one.
        let names = if names.is_empty() {
            &["USERS_TABLE"]
        } else {
            names
        };
        let tables = names.iter().filter(|name| name.ends_with("_TABLE"));
        Place {
            region: value("AWS_REGION").unwrap_or_default(),
            endpoint: value("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| value("AWS_ENDPOINT_URL")),
            tables: tables.filter_map(|name| value(name)).collect(),
        }
    }

    /// The account as it is now.
    pub(crate) async fn find(&self, username: &str) -> Result<Account, Error> {
        let found = self.users()?.find(&UsernameKey::new(username)).await?;
        found.ok_or_else(|| Error::Unknown(username.to_owned()))
    }

    /// Refuses an address that another account of the same brand has:
    /// `UpdateUserRegistrationPassword` could choose neither.
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
        let text = format!("the address is that of {others} in the same brand");
        Err(Error::Refused(text))
    }

    /// A warning if the address is the user name of another account, which logs in with it.
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
            "warning: the address is the user name of another account, which alone logs in with it"
                .to_owned()
        }))
    }

    /// A warning if the user name is the address of another account, which could log in with it.
    pub(crate) async fn address_clash(&self, profile: &Profile) -> Result<Option<String>, Error> {
        if !profile.display_username.contains('@') {
            return Ok(None);
        }
        let key = email_key(&profile.display_username);
        let found = self.users()?.with_email(&key).await?;
        let has_other = found.iter().any(|other| other.username != profile.username);
        Ok(has_other.then(|| {
            "warning: the user name is the address of another account, which no longer logs in \
             with it"
                .to_owned()
        }))
    }

    /// The audit row of a change of what has this key.
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

    /// What this operator does.
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

    /// Makes a change of an account and writes its audit row, both or neither.
    pub(crate) async fn change(
        &self,
        username: &UsernameKey,
        change: &Change,
        event: &'static str,
        detail: Option<&str>,
    ) -> Result<(), Error> {
        self.change_with(username, change, &[(event, detail)]).await
    }

    /// Makes a change of an account and writes an audit row for each event with its detail, all or
    /// nothing.
    pub(crate) async fn change_with(
        &self,
        username: &UsernameKey,
        change: &Change,
        events: &[(&'static str, Option<&str>)],
    ) -> Result<(), Error> {
        let rows = events.iter();
        let rows = rows.map(|(event, detail)| self.audit_row(username.as_str(), event, *detail));
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        let users = self.users()?;
        Ok(users.change_with_rows(username, change, &rows).await?)
    }
}
