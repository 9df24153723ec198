//! Settings of a deployed stack, read from its outputs and parameters.

use std::collections::HashMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Region;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types;

use crate::Error;

/// Variables, and the outputs of the stack with their values.
const OUTPUTS: [(&str, &str); 6] = [
    ("USERS_TABLE", "UsersTableName"),
    ("AUDIT_TABLE", "AuditTableName"),
    ("BRANDS_TABLE", "BrandsTableName"),
    ("LIMITS_TABLE", "LimitsTableName"),
    ("SESSIONS_TABLE", "SessionsTableName"),
    ("CONFIGURATION_SET", "ConfigurationSetName"),
];

/// Variables, and the parameters of the stack with their values.
const PARAMETERS: [(&str, &str); 15] = [
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
    ("NOTIFY_PASSWORD_SET", "NotifyPasswordSet"),
    ("AUDIT_DAYS", "AuditDays"),
];

/// The settings of a stack.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The given name or ARN.
    pub(crate) name: String,
    outputs: HashMap<String, String>,
    parameters: HashMap<String, String>,
}

impl Stack {
    /// Reads the outputs and parameters with `DescribeStacks`.
    pub(crate) async fn read(client: &Client, name: &str) -> Result<Self, Error> {
        let missing = || {
            let region = client.config().region().map_or("no region", Region::as_ref);
            Error::NotFound(format!("stack {name} not found in {region}"))
        };
        let output = client.describe_stacks().stack_name(name).send().await;
        let output = output.map_err(|error| match error.message() {
            // CloudFormation has no error code for this: it reports a ValidationError.
            Some(message) if message.ends_with("does not exist") => missing(),
            _ => Error::Stack(Box::new(error)),
        })?;
        let stack = output.stacks().first().ok_or_else(missing)?;
        let stack = Self {
            name: name.to_owned(),
            outputs: outputs(stack),
            parameters: parameters(stack),
        };
        stack.check().map(|()| stack)
    }

    /// Refuses a stack that lacks one of the tables. Otherwise its name would come from the
    /// environment, which may name a table of another stack.
    fn check(&self) -> Result<(), Error> {
        let tables = OUTPUTS.iter().filter(|(name, _)| name.ends_with("_TABLE"));
        let missing = tables.map(|(_, output)| *output);
        let missing: Vec<_> = missing.filter(|name| self.output(name).is_none()).collect();
        match missing.as_slice() {
            [] => Ok(()),
            missing => Err(Error::Usage(format!(
                "stack {} is not a stack of these services; missing outputs: {}",
                self.name,
                missing.join(", ")
            ))),
        }
    }

    /// Returns the value of a variable, if the stack has one.
    pub(crate) fn value(&self, variable: &str) -> Option<&String> {
        let key = |pairs: &[(&str, &'static str)]| {
            let mut pairs = pairs.iter();
            let (_, key) = pairs.find(|(name, _)| *name == variable)?;
            Some(*key)
        };
        let output = key(&OUTPUTS).and_then(|key| self.outputs.get(key));
        output.or_else(|| self.parameters.get(key(&PARAMETERS)?))
    }

    /// Returns an output of the stack.
    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// Returns a parameter of the stack.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// Returns the region of a stack given by its ARN
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

    #[test]
    fn the_template_has_these_outputs_and_sets_these_variables() {
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
    fn the_region_of_a_stack_is_read_from_its_arn() {
        let arn = "arn:aws:cloudformation:eu-west-1:123456789012:stack/password-services/1";
        assert_eq!(region_of(arn), Some("eu-west-1"));
        assert_eq!(region_of("password-services"), None);
    }
}
