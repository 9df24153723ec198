//! The settings of a run, from options, the stack and the environment.

use std::cell::OnceCell;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use shared::aws::{AwsConfig, Clients, SharedCredentialsProvider, sdk_config};
use shared::config::{ConfigError, Env};

use crate::Error;
use crate::aws::Api;
use crate::connection::Connection;
use crate::credentials;
use crate::failure::Place;
use crate::stack::{self, Stack};

/// The message for a missing operator name.
pub(crate) const NO_OPERATOR: &str = "no operator name: use --operator or set USER";
/// The message for a missing region.
const NO_REGION: &str =
    "no region found: use --region, set AWS_REGION, or use a profile with a region";
/// The region in signatures for endpoints that do not check it.
const PLACEHOLDER_REGION: &str = "us-east-1";
/// A placeholder URL for a missing SES. The domain never resolves (RFC 2606 section 2).
const NO_SES: &str = "http://ses.invalid";

/// The endpoint of a service that has no command line option.
pub(crate) enum Endpoint {
    /// The default endpoint at AWS.
    Aws,
    /// This URL.
    Url(String),
    /// No endpoint: DynamoDB has a custom endpoint, but the service has none.
    Missing,
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

    /// Returns whether DynamoDB has a custom endpoint. If so, no service at AWS is called.
    pub(crate) fn has_custom_endpoint(&self) -> bool {
        self.connection.has_custom_endpoint()
    }

    /// Finds region, credentials and stack, and checks that all these variables have a value. The
    /// error names everything that is missing.
    pub(crate) async fn resolve(&self, names: &[&'static str]) -> Result<(), Error> {
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

    /// Finds region, credentials and stack. Returns messages for what is missing.
    async fn locate(&self) -> Result<Vec<String>, Error> {
        if self.connection.has_custom_endpoint() {
            self.use_placeholders()?;
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

    /// Fills in placeholders for the region and credentials, which a custom endpoint does not
    /// check.
    fn use_placeholders(&self) -> Result<(), Error> {
        if self.connection.stack.is_some() {
            let text = "--endpoint and --stack cannot be used together";
            return Err(Error::Usage(text.to_owned()));
        }
        let credentials = credentials::from_environment(self.variables);
        self.credentials
            .get_or_init(|| credentials.unwrap_or_else(credentials::unchecked));
        let region = self.given_region();
        self.region
            .get_or_init(|| region.unwrap_or_else(|| PLACEHOLDER_REGION.to_owned()));
        Ok(())
    }

    /// Finds the region. Returns a message if there is none.
    async fn find_region(&self) -> Option<String> {
        let stack = self.value("ACCOUNTS_STACK");
        let of_stack = stack.as_deref().and_then(stack::region_of);
        let given = of_stack.map(str::to_owned).or_else(|| self.given_region());
        let region = match given {
            Some(region) => Some(region),
            None => credentials::region_of(self.connection.profile.as_deref()).await,
        };
        let Some(region) = region else {
            return Some(NO_REGION.to_owned());
        };
        self.region.get_or_init(|| region);
        None
    }

    fn given_region(&self) -> Option<String> {
        let region = self.value("AWS_REGION");
        region.or_else(|| self.variables.optional("AWS_DEFAULT_REGION"))
    }

    /// Finds credentials. Returns a message if there are none.
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

    /// Reads the stack, if `--stack` or `ACCOUNTS_STACK` names one.
    async fn find_stack(&self) -> Result<(), Error> {
        let Some(name) = self.value("ACCOUNTS_STACK") else {
            return Ok(());
        };
        let call = stack::describe(&name);
        let url = match self.endpoint(call.api().variable()) {
            Endpoint::Url(url) => Some(url),
            Endpoint::Aws | Endpoint::Missing => None,
        };
        let answer = match call.send(self.sdk()?, url).await {
            Ok(answer) => answer,
            Err(error) => return Err(stack::unreadable(&name, self.region(), error)),
        };
        let stack = Stack::read(&name, &answer)?;
        self.stack.get_or_init(|| stack);
        Ok(())
    }

    /// Returns the stack, if there is one.
    pub(crate) fn stack(&self) -> Option<&Stack> {
        self.stack.get()
    }

    /// Returns the endpoint of a service, given the variable with its URL.
    pub(crate) fn endpoint(&self, variable: &str) -> Endpoint {
        let url = self.variables.optional(variable);
        match url.or_else(|| self.variables.optional("AWS_ENDPOINT_URL")) {
            Some(url) => Endpoint::Url(url),
            // A stack is always at AWS.
            None if variable == Api::CloudFormation.variable() => Endpoint::Aws,
            None if self.value("AWS_ENDPOINT_URL_DYNAMODB").is_some() => Endpoint::Missing,
            None => Endpoint::Aws,
        }
    }

    /// Returns messages for the variables without a value.
    fn missing(&self, names: &[&'static str]) -> Vec<String> {
        let is_missing = |name: &&str| self.value(name).is_none();
        let missing = names.iter().copied().filter(is_missing);
        let (operator, mut variables): (Vec<&str>, Vec<_>) =
            missing.partition(|name| *name == "USER");
        // The values may be in the stack, which was not read because of another problem.
        if self.stack.get().is_none() && self.has_stack() {
            variables.clear();
        }
        let mut problems = Vec::new();
        if let Some(unset) = unset(&variables) {
            problems.push(match self.stack.get() {
                Some(stack) => format!("{unset} in stack {} or in the environment", stack.name),
                None if self.connection.has_custom_endpoint() => unset,
                None => format!("{unset}: use --stack to name the stack"),
            });
        }
        problems.extend(operator.first().map(|_| NO_OPERATOR.to_owned()));
        problems
    }

    fn has_stack(&self) -> bool {
        !self.connection.has_custom_endpoint() && self.value("ACCOUNTS_STACK").is_some()
    }

    /// Returns the value of a variable. An option takes precedence over the stack, and the stack
    /// over the environment.
    fn value(&self, name: &str) -> Option<String> {
        let stack = self.stack.get().and_then(|stack| stack.value(name));
        let found = self.region.get().filter(|_| name == "AWS_REGION");
        let given = found.or_else(|| self.connection.option(name)).or(stack);
        let value = given.cloned().or_else(|| self.variables.optional(name));
        value.filter(|value| !value.trim().is_empty())
    }

    /// Returns the region, or a placeholder if it is not known yet.
    fn region(&self) -> &str {
        self.region.get().map_or(PLACEHOLDER_REGION, String::as_str)
    }

    /// Reads configuration from options, the stack and the environment.
    pub(crate) fn configured<T>(
        &self,
        read: impl FnOnce(Env<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        read(Env::new(&|name| self.value(name)))
    }

    /// Returns the AWS configuration with the credentials found by [`Settings::resolve`].
    fn aws_config(&self) -> Result<AwsConfig, ConfigError> {
        let credentials = self.credentials.get().cloned();
        let credentials = credentials.ok_or(ConfigError::Missing("AWS_ACCESS_KEY_ID"))?;
        let config = self.configured(|env| AwsConfig::with_credentials(credentials, env))?;
        if self.can_send_mail() {
            return Ok(config);
        }
        Ok(AwsConfig {
            ses_url: Some(NO_SES.to_owned()),
            ..config
        })
    }

    /// Returns the SDK configuration. All clients share it, so that a role is assumed only once.
    pub(crate) fn sdk(&self) -> Result<&SdkConfig, ConfigError> {
        if let Some(sdk) = self.sdk.get() {
            return Ok(sdk);
        }
        let sdk = sdk_config(&self.aws_config()?)?.into_builder();
        let sdk = sdk.identity_cache(IdentityCache::lazy().build()).build();
        Ok(self.sdk.get_or_init(|| sdk))
    }

    /// Returns the clients of DynamoDB and SES.
    pub(crate) fn clients(&self) -> Result<Clients, ConfigError> {
        Ok(Clients::with(self.sdk()?, self.aws_config()?))
    }

    /// Renames the variable in an error to the option that set its value.
    pub(crate) fn name_option(&self, error: Error) -> Error {
        let Error::Config(ConfigError::Invalid { name, reason }) = &error else {
            return error;
        };
        match self.connection.option_name(name) {
            Some(option) => Error::Usage(format!("{option}: {reason}")),
            None => error,
        }
    }

    /// Returns whether mail can be sent. With a custom DynamoDB endpoint, mail is never sent
    /// through AWS.
    pub(crate) fn can_send_mail(&self) -> bool {
        self.value("AWS_ENDPOINT_URL_SESV2").is_some()
            || self.value("AWS_ENDPOINT_URL_DYNAMODB").is_none()
    }

    /// Returns the region, endpoint and tables of a command with these variables.
    pub(crate) fn place(&self, names: &[&'static str]) -> Place {
        // A dry run of an import needs no variable but reads this table if it is set.
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

/// Returns the message that these variables are not set; `None` for an empty list.
fn unset(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [name] => Some(format!("{name} is not set")),
        [names @ .., last] => Some(format!("{} and {last} are not set", names.join(", "))),
    }
}
