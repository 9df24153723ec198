//! One run of the program: where the tables are, and who is at work on them.

use std::cell::OnceCell;

use shared::audit::{self, Audit, Entry};
use shared::aws::{AwsConfig, Clients, SharedCredentialsProvider, sdk_config};
use shared::clock::{Clock, Timestamp};
use shared::config::{self, ConfigError, Env};
use shared::context::RequestContext;
use shared::text::one_line;
use shared::users::{Account, Change, Profile, UsernameKey, Users, brand_key, email_key};
use uuid::Uuid;

use crate::Error;
use crate::connection::Connection;
use crate::credentials;
use crate::failure::Place;
use crate::identity::{Claim, Operator};
use crate::stack::{self, Stack};

/// The error of an operator without a name.
const NAMELESS: &str = "say who you are, with --operator or USER";
/// The error of a run without a region.
const NOWHERE: &str = "no region is known: use --region, AWS_REGION or a profile that has one";
/// The region in signatures for endpoints that check none.
const UNCHECKED_REGION: &str = "us-east-1";
/// What audit rows say of where a change came from.
const SOURCE: &str = "accounts";
/// The URL of no SES: the domain resolves nowhere (RFC 2606 section 2).
const NO_SES: &str = "http://ses.invalid";

/// One run of the program.
pub(crate) struct Session<'a> {
    connection: &'a Connection,
    variables: Env<'a>,
    pub(crate) clock: Clock,
    /// When the run began.
    pub(crate) now: Timestamp,
    pub(crate) request_id: String,
    region: OnceCell<String>,
    credentials: OnceCell<SharedCredentialsProvider>,
    stack: OnceCell<Stack>,
    clients: OnceCell<Clients>,
    operator: OnceCell<Operator>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(connection: &'a Connection, variables: Env<'a>, clock: Clock) -> Self {
        Self {
            connection,
            variables,
            now: clock.now(),
            clock,
            request_id: Uuid::new_v4().to_string(),
            region: OnceCell::new(),
            credentials: OnceCell::new(),
            stack: OnceCell::new(),
            clients: OnceCell::new(),
            operator: OnceCell::new(),
        }
    }

    /// Finds region, credentials and stack, and checks that all variables with these names have a
    /// value. The error names all that is missing.
    pub(crate) async fn connect(&self, names: &[&'static str]) -> Result<(), Error> {
        let mut problems = Vec::new();
        if self.connection.is_elsewhere() {
            if self.connection.stack.is_some() {
                let text = "--endpoint and --stack name two places; use one of them";
                return Err(Error::Usage(text.to_owned()));
            }
            let credentials = credentials::from_environment(self.variables);
            let credentials = credentials.unwrap_or_else(credentials::unchecked);
            self.credentials.get_or_init(|| credentials);
            let region = self.given_region();
            self.region
                .get_or_init(|| region.unwrap_or_else(|| UNCHECKED_REGION.to_owned()));
        } else {
            problems.extend(self.find_region().await);
            problems.extend(self.find_credentials().await);
            if problems.is_empty() {
                self.find_stack().await?;
            }
        }
        problems.extend(self.missing(names));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Usage(problems.join("; ")))
        }
    }

    /// Finds the region; says so if there is none.
    async fn find_region(&self) -> Option<String> {
        let stack = self.value("ACCOUNTS_STACK");
        let of_stack = stack.as_deref().and_then(stack::region_of);
        let given = of_stack.map(str::to_owned).or_else(|| self.given_region());
        let region = match given {
            Some(region) => Some(region),
            None => credentials::region_of(self.connection.profile.as_deref()).await,
        };
        let Some(region) = region else {
            return Some(NOWHERE.to_owned());
        };
        self.region.get_or_init(|| region);
        None
    }

    fn given_region(&self) -> Option<String> {
        let region = self.value("AWS_REGION");
        region.or_else(|| self.variables.optional("AWS_DEFAULT_REGION"))
    }

    /// Finds credentials; says so if there are none.
    async fn find_credentials(&self) -> Option<String> {
        let profile = self.connection.profile.as_deref();
        let from_environment = profile.is_none().then_some(self.variables);
        let credentials = match from_environment.and_then(credentials::from_environment) {
            Some(credentials) => Ok(credentials),
            None => credentials::find(profile, self.region()).await,
        };
        credentials
            .map(|credentials| self.credentials.get_or_init(|| credentials))
            .err()
    }

    /// Reads the stack, if one is given.
    async fn find_stack(&self) -> Result<(), Error> {
        let Some(name) = self.value("ACCOUNTS_STACK") else {
            return Ok(());
        };
        let mut config =
            aws_sdk_cloudformation::config::Builder::from(&sdk_config(&self.aws_config()?)?);
        let url = self.variables.optional("AWS_ENDPOINT_URL_CLOUDFORMATION");
        config.set_endpoint_url(url.or_else(|| self.variables.optional("AWS_ENDPOINT_URL")));
        let client = aws_sdk_cloudformation::Client::from_conf(config.build());
        let stack = Stack::read(&client, &name).await?;
        self.stack.get_or_init(|| stack);
        Ok(())
    }

    /// The variables of these that have no value, in words.
    fn missing(&self, names: &[&'static str]) -> Vec<String> {
        let is_missing = |name: &&str| self.value(name).is_none();
        let missing = names.iter().copied().filter(is_missing);
        let (people, mut variables): (Vec<&str>, Vec<_>) =
            missing.partition(|name| *name == "USER");
        // A stack that could not be read yet has the tables.
        if self.stack.get().is_none() && self.has_stack() {
            variables.clear();
        }
        let mut problems = Vec::new();
        if let Some(unset) = unset(&variables) {
            problems.push(match self.stack.get() {
                Some(stack) => format!("{unset}, nor in stack {}", stack.name),
                None if self.connection.is_elsewhere() => unset,
                None => format!("{unset}: name the stack with --stack"),
            });
        }
        problems.extend(people.first().map(|_| NAMELESS.to_owned()));
        problems
    }

    fn has_stack(&self) -> bool {
        !self.connection.is_elsewhere() && self.value("ACCOUNTS_STACK").is_some()
    }

    /// The value of a variable: an option wins over the stack, the stack over the environment.
    fn value(&self, name: &str) -> Option<String> {
        let stack = self.stack.get().and_then(|stack| stack.value(name));
        let found = self.region.get().filter(|_| name == "AWS_REGION");
        let given = found.or_else(|| self.connection.option(name)).or(stack);
        let value = given.cloned().or_else(|| self.variables.optional(name));
        value.filter(|value| !value.trim().is_empty())
    }

    /// The region, once it is known.
    fn region(&self) -> &str {
        self.region.get().map_or(UNCHECKED_REGION, String::as_str)
    }

    /// Reads configuration: from options, the stack and the environment.
    pub(crate) fn configured<T>(
        &self,
        read: impl FnOnce(Env<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        read(Env::new(&|name| self.value(name)))
    }

    /// Access to AWS, once [`Session::connect`] has found it.
    fn aws_config(&self) -> Result<AwsConfig, ConfigError> {
        let credentials = self.credentials.get().cloned();
        let credentials = credentials.ok_or(ConfigError::Missing("AWS_ACCESS_KEY_ID"))?;
        let config = self.configured(|env| AwsConfig::with_credentials(credentials, env))?;
        if self.is_ses_meant() {
            return Ok(config);
        }
        Ok(AwsConfig {
            ses_url: Some(NO_SES.to_owned()),
            ..config
        })
    }

    /// The SDK's clients.
    pub(crate) fn clients(&self) -> Result<&Clients, ConfigError> {
        if let Some(clients) = self.clients.get() {
            return Ok(clients);
        }
        let clients = Clients::new(self.aws_config()?)?;
        Ok(self.clients.get_or_init(|| clients))
    }

    /// Whether mail may be sent: not through SES at AWS for accounts of a DynamoDB elsewhere.
    fn is_ses_meant(&self) -> bool {
        self.value("AWS_ENDPOINT_URL_SESV2").is_some()
            || self.value("AWS_ENDPOINT_URL_DYNAMODB").is_none()
    }

    /// The client of SES; none where DynamoDB is not at AWS and no SES is given.
    pub(crate) fn ses(&self) -> Result<Option<&aws_sdk_sesv2::Client>, ConfigError> {
        Ok(self.is_ses_meant().then_some(&self.clients()?.ses))
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

    /// Finds out who is at work, which all that is written says.
    pub(crate) async fn identify(&self) -> Result<(), Error> {
        let is_elsewhere = self.connection.is_elsewhere();
        let aws = self.aws_config()?;
        let claim = self.configured(|env| Claim::read(env, aws, is_elsewhere))?;
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
        // A file that is only checked is compared with this table, if there is one.
        let names = if names.is_empty() {
            &["USERS_TABLE"]
        } else {
            names
        };
        let tables = names.iter().filter(|name| name.ends_with("_TABLE"));
        let endpoint = self.value("AWS_ENDPOINT_URL_DYNAMODB");
        Place {
            region: self.region().to_owned(),
            endpoint: endpoint.or_else(|| self.value("AWS_ENDPOINT_URL")),
            tables: tables.filter_map(|name| self.value(name)).collect(),
        }
    }

    /// The account as it is now.
    pub(crate) async fn find(&self, username: &str) -> Result<Account, Error> {
        let found = self.users()?.find(&UsernameKey::new(username)).await?;
        match found {
            Some(account) => Ok(account),
            None => Err(self.unknown(username).await),
        }
    }

    /// The error of a user name that is not on file. It names the accounts whose address it is.
    pub(crate) async fn unknown(&self, username: &str) -> Error {
        let shown = one_line(username);
        let names = match self.users() {
            Ok(users) if username.contains('@') => users.with_email(&email_key(username)).await,
            _ => Ok(vec![]),
        };
        let names = names.unwrap_or_default().into_iter();
        let names: Vec<_> = names.map(|other| other.display_username).collect();
        Error::NotFound(match names.as_slice() {
            [] => format!("there is no account {shown}; `accounts find` looks for parts of names"),
            names => format!(
                "there is no account {shown}; it is the address of {}",
                names.join(", ")
            ),
        })
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

/// That these variables are not set, in words; nothing when there are none.
fn unset(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("{name} is not set")),
        [names @ .., last] => Some(format!("{} and {last} are not set", names.join(", "))),
    }
}
