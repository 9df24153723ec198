//! Configuration of the SDK clients.

use std::time::Duration;

pub use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};

use crate::config::{ConfigError, Env};

/// Region, endpoints and credentials of the AWS services, and timeouts of calls to them.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`
    pub region: String,
    /// Credentials, or a provider that renews them.
    pub credentials: SharedCredentialsProvider,
    /// `AWS_ENDPOINT_URL_DYNAMODB`. The SDK's default endpoint if `None`.
    pub dynamodb_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SESV2`. The SDK's default endpoint if `None`.
    pub ses_url: Option<String>,
    /// Timeouts of every call.
    pub timeouts: Timeouts,
}

/// Timeouts of a call to AWS (ASVS 5.0 13.2.6). The longest request, a password change by an
/// administrator who logs in by address with a temporary password, makes seven calls in sequence
/// after connecting: two that find the administrator, one that replaces the temporary password, and
/// four that find the account and its brand, set the password, and send the email. They take at
/// most 21 seconds, which is within the function's timeout of 29 seconds.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The timeout for opening a connection, which is part of an attempt.
    pub connect: Duration,
    /// The timeout of one attempt, and of [`connect`](super::connect) when a process starts.
    pub attempt: Duration,
    /// The timeout of a call with all its attempts.
    pub operation: Duration,
    /// The time after which an idle connection is not used again. Lambda freezes a process between
    /// two events, and the other side may close its connections meanwhile.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            attempt: Duration::from_millis(1_500),
            operation: Duration::from_secs(3),
            idle: Duration::from_secs(5),
        }
    }
}

impl AwsConfig {
    /// Reads the variables that Lambda sets: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`, as well as region and endpoints. These credentials outlive the process:
    /// Lambda ends an execution environment before they expire.
    pub fn read(env: Env<'_>) -> Result<Self, ConfigError> {
        let credentials = Credentials::new(
            env.required("AWS_ACCESS_KEY_ID")?,
            env.required("AWS_SECRET_ACCESS_KEY")?,
            env.optional("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Self::with_credentials(SharedCredentialsProvider::new(credentials), env)
    }

    /// Reads region and endpoints from the environment.
    pub fn with_credentials(
        credentials: SharedCredentialsProvider,
        env: Env<'_>,
    ) -> Result<Self, ConfigError> {
        let any_service = env.optional("AWS_ENDPOINT_URL");
        let endpoint = |name| match env.optional(name) {
            Some(url) => url_of(name, &url).map(Some),
            None => any_service
                .as_deref()
                .map(|url| url_of("AWS_ENDPOINT_URL", url))
                .transpose(),
        };
        Ok(Self {
            region: env.required("AWS_REGION")?,
            credentials,
            dynamodb_url: endpoint("AWS_ENDPOINT_URL_DYNAMODB")?,
            ses_url: endpoint("AWS_ENDPOINT_URL_SESV2")?,
            timeouts: Timeouts::default(),
        })
    }
}

fn url_of(name: &'static str, url: &str) -> Result<String, ConfigError> {
    endpoint_url(url).map_err(|reason| ConfigError::invalid(name, reason))
}

/// Validates the URL of an endpoint. The error says what a valid one is.
pub fn endpoint_url(url: &str) -> Result<String, &'static str> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && url.parse::<http::Uri>().is_ok() {
        Ok(url.to_owned())
    } else {
        Err("must be an http or https URL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AwsConfig, ConfigError> {
        let lookup = |name: &str| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| (*value).to_owned())
        };
        AwsConfig::read(Env::new(&lookup))
    }

    const LAMBDA: [(&str, &str); 3] = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret"),
    ];

    #[test]
    fn missing_variables_of_lambda_are_named() {
        for (missing, _) in LAMBDA {
            let rest: Vec<_> = LAMBDA
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            assert_eq!(read(&rest).unwrap_err(), ConfigError::Missing(missing));
        }
    }

    #[test]
    fn the_services_own_endpoint_takes_precedence() {
        let endpoints = [
            ("AWS_ENDPOINT_URL", "http://any"),
            ("AWS_ENDPOINT_URL_SESV2", "http://ses"),
        ];
        let access = read(&[&LAMBDA[..], &endpoints].concat()).unwrap();
        assert_eq!(access.dynamodb_url.as_deref(), Some("http://any"));
        assert_eq!(access.ses_url.as_deref(), Some("http://ses"));
        assert!(!format!("{access:?}").contains("very-secret"));
    }

    #[test]
    fn an_endpoint_is_a_url() {
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"] {
            let error = read(&[&LAMBDA[..], &[(name, "nonsense")]].concat()).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("{name}: ")),
                "{error}"
            );
        }
    }
}
