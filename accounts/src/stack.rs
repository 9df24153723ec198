//! Settings of a deployed stack, read from its outputs and parameters.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use serde_json::Value;

use crate::Error;
use crate::aws::{Api, Call, Refusal};

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
const PARAMETERS: [(&str, &str); 17] = [
    ("PRODUCT_NAME", "ProductName"),
    ("MAIL_FROM", "MailFrom"),
    ("SUPPORT_CONTACT", "SupportContact"),
    ("LOGIN_URL", "LoginUrl"),
    ("REPLY_TO", "ReplyTo"),
    ("MAIL_LANGUAGE", "MailLanguage"),
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
    /// Reads the outputs and parameters from the answer to [`describe`].
    pub(crate) fn read(name: &str, answer: &Value) -> Result<Self, Error> {
        let stack = answer.pointer("/DescribeStacksResult/Stacks/0");
        let stack = stack.unwrap_or(&Value::Null);
        let stack = Self {
            name: name.to_owned(),
            outputs: pairs(stack, "Output"),
            parameters: pairs(stack, "Parameter"),
        };
        stack.check().map(|()| stack)
    }

    /// Refuses a stack that lacks one of the tables. Otherwise the name of that table would come
    /// from the environment, which may name a table of another stack.
    fn check(&self) -> Result<(), Error> {
        let tables = OUTPUTS.iter().filter(|(name, _)| name.ends_with("_TABLE"));
        let missing = tables.map(|(_, output)| *output);
        let missing: Vec<_> = missing.filter(|name| self.output(name).is_none()).collect();
        match missing.as_slice() {
            [] => Ok(()),
            missing => Err(Error::Usage(format!(
                "stack {} is not a stack of the password services; missing outputs: {}",
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

/// Returns the call that reads a stack.
pub(crate) fn describe(name: &str) -> Call {
    let input = [("StackName".to_owned(), name.to_owned())];
    Call::query(Api::CloudFormation, "DescribeStacks", &input)
}

/// Returns the error for a failed [`describe`].
pub(crate) fn unreadable(name: &str, region: &str, error: SdkError<Refusal>) -> Error {
    match error.message() {
        // CloudFormation has no error code for this: it reports a ValidationError.
        Some(message) if message.ends_with("does not exist") => {
            Error::NotFound(format!("stack {name} not found in {region}"))
        }
        _ => Error::Stack(Box::new(error)),
    }
}

/// Returns the keys and values of a list of the stack: its outputs or its parameters.
fn pairs(stack: &Value, kind: &str) -> HashMap<String, String> {
    let list = stack.get(format!("{kind}s")).and_then(Value::as_array);
    let pair = |element: &Value| {
        let text = |part| {
            let text = element.get(format!("{kind}{part}"))?.as_str()?;
            Some(text.to_owned())
        };
        Some((text("Key")?, text("Value")?))
    };
    list.into_iter().flatten().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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

    /// The variables that only matter when a function answers a request or an event.
    const OF_REQUESTS: [&str; 7] = [
        "ASMX_PROTOCOLS",
        "CREDENTIAL_CACHE_SECONDS",
        "FRONT_DOOR",
        "LOGIN_FAILURES_PER_MINUTE",
        "RESPONSE_FLOOR_MS",
        "SELF_TEST_USERNAME",
        "SESSION_HOURS",
    ];

    #[test]
    fn every_variable_that_the_template_sets_from_the_stack_is_read_from_it() {
        let template = include_str!("../../template.yaml");
        let is_name = |name: &str| {
            name.chars()
                .all(|c| c.is_ascii_uppercase() || "_2".contains(c))
        };
        let set = template.lines().filter_map(|line| {
            let (name, _) = line.trim().split_once(": !Ref ")?;
            Some(name).filter(|name| is_name(name))
        });
        let set: BTreeSet<_> = set.filter(|name| !OF_REQUESTS.contains(name)).collect();
        let read = OUTPUTS.iter().chain(&PARAMETERS).map(|(name, _)| *name);
        assert_eq!(set, read.collect());
    }

    #[test]
    fn the_region_of_a_stack_is_read_from_its_arn() {
        let arn = "arn:aws:cloudformation:eu-west-1:123456789012:stack/password-services/1";
        assert_eq!(region_of(arn), Some("eu-west-1"));
        assert_eq!(region_of("password-services"), None);
    }
}
