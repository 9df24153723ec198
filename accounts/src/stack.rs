//! Settings of a deployed stack, read from its outputs and parameters.

use std::collections::HashMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Region;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types;

use crate::Error;

/// Variables, and the outputs of the template that have their values.
const OUTPUTS: [(&str, &str); 6] = [
    ("USERS_TABLE", "UsersTableName"),
    ("AUDIT_TABLE", "AuditTableName"),
    ("BRANDS_TABLE", "BrandsTableName"),
    ("LIMITS_TABLE", "LimitsTableName"),
    ("SESSIONS_TABLE", "SessionsTableName"),
    ("CONFIGURATION_SET", "ConfigurationSetName"),
];

/// Variables, and the parameters of the template that have their values.
const PARAMETERS: [(&str, &str); 14] = [
    ("PRODUCT_NAME", "ProductName"),
    ("MAIL_FROM", "MailFrom"),
    ("SUPPORT_CONTACT", "SupportContact"),
    ("LOGIN_URL", "LoginUrl"),
    ("RESET_MODE", "ResetMode"),
    ("TEMPORARY_PASSWORD_HOURS", "TemporaryPasswordHours"),
    ("RESET_PER_MINUTE", "ResetPerMinute"),
    ("RESET_PER_HOUR", "ResetPerHour"),
    ("SOURCE_PER_MINUTE", "SourcePerMinute"),
    ("MAIL_RATE", "MailRate"),
    ("ARGON2_MEMORY_KIB", "Argon2MemoryKib"),
    ("ARGON2_ITERATIONS", "Argon2Iterations"),
    ("PASSWORD_MIN_LENGTH", "PasswordMinLength"),
    ("AUDIT_DAYS", "AuditDays"),
];

/// The settings of a stack, by the variables of the functions.
#[derive(Debug)]
pub(crate) struct Stack {
    /// Name or ARN, as it was given.
    pub(crate) name: String,
    outputs: HashMap<String, String>,
    parameters: HashMap<String, String>,
}

impl Stack {
    /// Reads outputs and parameters with `DescribeStacks`.
    pub(crate) async fn read(client: &Client, name: &str) -> Result<Self, Error> {
        let missing = || {
            let region = client.config().region().map_or("no region", Region::as_ref);
            Error::NotFound(format!("there is no stack {name} in {region}"))
        };
        let output = client.describe_stacks().stack_name(name).send().await;
        let output = output.map_err(|error| match error.message() {
            // CloudFormation has no code for this one: it is a ValidationError.
            Some(message) if message.ends_with("does not exist") => missing(),
            _ => Error::Stack(Box::new(error)),
        })?;
        let stack = output.stacks().first().ok_or_else(missing)?;
        Ok(Self {
            name: name.to_owned(),
            outputs: outputs(stack),
            parameters: parameters(stack),
        })
    }

    /// The value of a variable, if the stack has one.
    pub(crate) fn value(&self, variable: &str) -> Option<&String> {
        let key = |pairs: &[(&str, &'static str)]| {
            let mut pairs = pairs.iter();
            let (_, key) = pairs.find(|(name, _)| *name == variable)?;
            Some(*key)
        };
        let output = key(&OUTPUTS).and_then(|key| self.outputs.get(key));
        output.or_else(|| self.parameters.get(key(&PARAMETERS)?))
    }

    /// The output of this name, if the stack has it.
    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// The parameter of this name, if the stack has it.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// The region of a stack that is given by its ARN
/// (`arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID`).
pub(crate) fn region_of(name: &str) -> Option<&str> {
    let mut parts = name.strip_prefix("arn:")?.split(':');
    let service = parts.nth(1)?;
    parts.next().filter(|_| service == "cloudformation")
}

fn outputs(stack: &types::Stack) -> HashMap<String, String> {
    let outputs = stack.outputs().iter();
    let pair =
        |output: &types::Output| Some((output.output_key.clone()?, output.output_value.clone()?));
    outputs.filter_map(pair).collect()
}

fn parameters(stack: &types::Stack) -> HashMap<String, String> {
    let parameters = stack.parameters().iter();
    let pair = |parameter: &types::Parameter| {
        Some((
            parameter.parameter_key.clone()?,
            parameter.parameter_value.clone()?,
        ))
    };
    parameters.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `accounts` believes of a stack is what the functions are given.
    #[test]
    fn the_template_has_these_outputs_and_passes_these_parameters_on() {
        let template = include_str!("../../template.yaml");
        let (resources, outputs) = template.split_once("\nOutputs:\n").unwrap();
        let has = |text: &str, line: &str| text.lines().any(|found| found.trim() == line);
        for (variable, output) in OUTPUTS {
            assert!(has(outputs, &format!("{output}:")), "{output}");
            let is_variable = |line: &str| line.trim().starts_with(&format!("{variable}: !Ref "));
            assert!(resources.lines().any(is_variable), "{variable}");
        }
        for (variable, parameter) in PARAMETERS {
            let line = format!("{variable}: !Ref {parameter}");
            assert!(has(resources, &line), "{line}");
        }
    }

    #[test]
    fn the_region_of_an_arn() {
        let arn = "arn:aws:cloudformation:eu-west-1:123456789012:stack/password-services/1";
        assert_eq!(region_of(arn), Some("eu-west-1"));
        assert_eq!(region_of("password-services"), None);
    }
}
