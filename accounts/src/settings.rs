//! The settings of a run: from options, the stack and the environment.

use std::cell::OnceCell;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use shared::aws::{AwsConfig, Clients, SharedCredentialsProvider, sdk_config};
use shared::config::{ConfigError, Env};

use crate::Error;
use crate::connection::Connection;
use crate::credentials;
use crate::failure::Place;
use crate::stack::{self, Stack};

/// The error of an operator without a name.
pub(crate) const NAMELESS: &str = "say who you are, with --operator or USER";
/// The error of a run without a region.
const NOWHERE: &str = "no region is known: use --region, AWS_REGION or a profile that has one";
/// The region in signatures for endpoints that check none.
const UNCHECKED_REGION: &str = "us-east-1";
/// The URL of no SES: the domain resolves nowhere (RFC 2606 section 2).
const NO_SES: &str = "http://ses.invalid";

/// Where a service is that has no option of its own.
pub(crate) enum Endpoint {
    /// At AWS.
    Aws,
    /// At this URL.
    At(String),
    /// Not to be asked: DynamoDB is not at AWS, and no URL is given for the service.
    Nowhere,
}

/// The settings of a run.
pub(crate) struct Settings<'a> {
    connection: &'a Connection,
    variables: Env<'a>,
    region: OnceCell<String>,
    credentials: OnceCell<SharedCredentialsProvider>,
    sdk: OnceCell<SdkConfig>,
    stack: OnceCell<Stack>,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(connection: &'a Connection, variables: Env<'a>) -> Self {
        Self {
            connection,
            variables,
            region: OnceCell::new(),
            credentials: OnceCell::new(),
            sdk: OnceCell::new(),
            stack: OnceCell::new(),
        }
    }

    /// Whether DynamoDB is not AWS's own: then nothing of AWS is asked.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.connection.is_elsewhere()
    }

    /// Finds region, credentials and stack, and checks that all variables with these names have a
    /// value. The error names all that is missing.
    pub(crate) async fn connect(&self, names: &[&'static str]) -> Result<(), Error> {
        let mut problems = Vec::new();
        if self.credentials.get().is_none() {
            problems.extend(self.locate().await?);
        }
        problems.extend(self.missing(names));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Usage(problems.join("; ")))
        }
    }

    /// Finds region, credentials and stack; returns what is missing, in words.
    async fn locate(&self) -> Result<Vec<String>, Error> {
        if self.connection.is_elsewhere() {
            self.locate_elsewhere()?;
            return Ok(vec![]);
        }
        let region = self.find_region().await;
        let credentials = self.find_credentials().await;
        let problems: Vec<_> = [region, credentials].into_iter().flatten().collect();
        if problems.is_empty() {
            self.find_stack().await?;
        }
        Ok(problems)
    }

    /// Fills in what an endpoint other than AWS's does not check.
    fn locate_elsewhere(&self) -> Result<(), Error> {
        if self.connection.stack.is_some() {
            let text = "--endpoint and --stack name two places; use one of them";
            return Err(Error::Usage(text.to_owned()));
        }
        let credentials = credentials::from_environment(self.variables);
        self.credentials
            .get_or_init(|| credentials.unwrap_or_else(credentials::unchecked));
        let region = self.given_region();
        self.region
            .get_or_init(|| region.unwrap_or_else(|| UNCHECKED_REGION.to_owned()));
        Ok(())
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
        let stack = Stack::read(&self.cloudformation()?, &name).await?;
        self.stack.get_or_init(|| stack);
        Ok(())
    }

    /// The client of CloudFormation.
    pub(crate) fn cloudformation(&self) -> Result<aws_sdk_cloudformation::Client, ConfigError> {
        let mut config = aws_sdk_cloudformation::config::Builder::from(self.sdk()?);
        let url = self.variables.optional("AWS_ENDPOINT_URL_CLOUDFORMATION");
        config.set_endpoint_url(url.or_else(|| self.variables.optional("AWS_ENDPOINT_URL")));
        Ok(aws_sdk_cloudformation::Client::from_conf(config.build()))
    }

    /// The stack, if one is given.
    pub(crate) fn stack(&self) -> Option<&Stack> {
        self.stack.get()
    }

    /// Where the service is whose URL, if it is not AWS's own, is in this variable.
    pub(crate) fn endpoint(&self, variable: &str) -> Endpoint {
        let url = self.variables.optional(variable);
        match url.or_else(|| self.variables.optional("AWS_ENDPOINT_URL")) {
            Some(url) => Endpoint::At(url),
            None if self.value("AWS_ENDPOINT_URL_DYNAMODB").is_some() => Endpoint::Nowhere,
            None => Endpoint::Aws,
        }
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

    /// Access to AWS, once [`Settings::connect`] has found it.
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

    /// What the clients of all services share. A role is assumed once for all of them.
    pub(crate) fn sdk(&self) -> Result<&SdkConfig, ConfigError> {
        if let Some(sdk) = self.sdk.get() {
            return Ok(sdk);
        }
        let sdk = sdk_config(&self.aws_config()?)?.into_builder();
        let sdk = sdk.identity_cache(IdentityCache::lazy().build()).build();
        Ok(self.sdk.get_or_init(|| sdk))
    }

    /// The clients of DynamoDB and SES.
    pub(crate) fn clients(&self) -> Result<Clients, ConfigError> {
        Ok(Clients::with(self.sdk()?, self.aws_config()?))
    }

    /// Whether mail may be sent: not through SES at AWS for accounts of a DynamoDB elsewhere.
    pub(crate) fn is_ses_meant(&self) -> bool {
        self.value("AWS_ENDPOINT_URL_SESV2").is_some()
            || self.value("AWS_ENDPOINT_URL_DYNAMODB").is_none()
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
}

/// That these variables are not set, in words; nothing when there are none.
fn unset(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("{name} is not set")),
        [names @ .., last] => Some(format!("{} and {last} are not set", names.join(", "))),
    }
}
