//! The SDK clients, with the limits both functions need.
//!
//! Without `aws-config`: Lambda says all there is to know in environment env, and the
//! providers for profiles, SSO, ECS, EC2 and STS would be a megabyte of every cold start.

mod http;

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_types::SdkConfig;

pub use aws_sdk_dynamodb::config::Credentials;

use crate::config::{ConfigError, Env};
use crate::mail::Mailer;
use crate::users::Users;

/// Where the services are and who calls them.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// `AWS_REGION`
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`. They outlive the
    /// process: Lambda ends an execution environment before its credentials expire.
    pub credentials: Credentials,
    /// `AWS_ENDPOINT_URL_DYNAMODB`; AWS's own when there is none.
    pub dynamodb_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SESV2`; AWS's own when there is none.
    pub ses_url: Option<String>,
}

impl AwsConfig {
    /// Reads what Lambda sets in the environment.
    pub fn read(env: Env<'_>) -> Result<Self, ConfigError> {
        let any_service = env.optional("AWS_ENDPOINT_URL");
        let endpoint = |name| match env.optional(name) {
            Some(url) => url_of(name, url).map(Some),
            None => any_service
                .clone()
                .map(|url| url_of("AWS_ENDPOINT_URL", url))
                .transpose(),
        };
        Ok(Self {
            region: env.required("AWS_REGION")?,
            credentials: Credentials::new(
                env.required("AWS_ACCESS_KEY_ID")?,
                env.required("AWS_SECRET_ACCESS_KEY")?,
                env.optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            dynamodb_url: endpoint("AWS_ENDPOINT_URL_DYNAMODB")?,
            ses_url: endpoint("AWS_ENDPOINT_URL_SESV2")?,
        })
    }
}

fn url_of(name: &'static str, url: String) -> Result<String, ConfigError> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && url.parse::<::http::Uri>().is_ok() {
        Ok(url)
    } else {
        Err(ConfigError::invalid(name, "must be an http or https URL"))
    }
}

/// One client for each service, made at init and shared by all requests.
#[derive(Debug, Clone)]
pub struct Clients {
    /// For the tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For mail.
    pub ses: aws_sdk_sesv2::Client,
}

impl Clients {
    /// Clients with this access. Fails where no certificates are to be trusted.
    pub fn new(config: AwsConfig) -> Result<Self, ConfigError> {
        let AwsConfig {
            region,
            credentials,
            dynamodb_url,
            ses_url,
        } = config;
        let http_client = http::client(CONNECT_TIMEOUT)
            .map_err(|error| ConfigError::invalid("SSL_CERT_FILE", error))?;
        let shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client)
            // Answers are a few hundred bytes: the timeouts are protection enough.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .build();
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&shared);
        dynamodb.set_endpoint_url(dynamodb_url);
        let mut ses = aws_sdk_sesv2::config::Builder::from(&shared);
        ses.set_endpoint_url(ses_url);
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            ses: aws_sdk_sesv2::Client::from_conf(ses.build()),
        })
    }
}

/// Opens a connection to DynamoDB and one to SES, both at once, by a call to each that changes
/// nothing. What fails is logged: the process starts anyway, and the first request connects.
pub async fn connect(users: &Users, mailer: &Mailer) {
    let connected = tokio::time::timeout(ATTEMPT_TIMEOUT, try_connect(users, mailer));
    if connected.await.is_err() {
        tracing::warn!(event = "init.timeout", "not connected at start");
    }
}

async fn try_connect(users: &Users, mailer: &Mailer) {
    let (dynamodb, ses) = tokio::join!(users.check(), mailer.connect());
    if let Err(error) = dynamodb {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, event = "init.dynamodb", "not connected at start");
    }
    if let Err(error) = ses {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, event = "init.ses", "not connected at start");
    }
}

/// For a connection, of which an attempt may need a new one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// For one attempt at a call, and for what a process does before its first request.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_500);

/// Bounded (ASVS 5.0 13.2.6): after connecting, the longer operation makes at most six calls after
/// one another, and the function ends after 20 seconds.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(Duration::from_secs(3))
        .build()
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
    fn names_what_lambda_would_have_set() {
        for (missing, _) in LAMBDA {
            let rest: Vec<_> = LAMBDA
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            assert_eq!(read(&rest).unwrap_err(), ConfigError::Missing(missing));
        }
    }

    #[test]
    fn the_services_own_endpoint_wins() {
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
