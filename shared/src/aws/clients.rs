//! The SDK clients.
//!
//! `aws-config` is not used. Lambda sets everything that is needed in environment variables, and
//! the providers for profiles, SSO, ECS, EC2 and STS would add a megabyte to every cold start.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_types::SdkConfig;

use super::config::{AwsConfig, Timeouts};
use super::http;
use crate::config::ConfigError;

/// One client per service, made when the process starts and shared by all requests.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The client of DynamoDB, for the tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The client of SES, for mail.
    pub ses: aws_sdk_sesv2::Client,
}

impl Clients {
    /// Makes clients with this configuration. Fails on a machine without root certificates.
    pub fn new(config: AwsConfig) -> Result<Self, ConfigError> {
        let shared = sdk_config(&config)?;
        Ok(Self::with(&shared, config))
    }

    /// Makes clients for the endpoints of `config` that share connections and credentials with the
    /// clients of other services.
    #[must_use]
    pub fn with(shared: &SdkConfig, config: AwsConfig) -> Self {
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(shared);
        dynamodb.set_endpoint_url(config.dynamodb_url);
        let mut ses = aws_sdk_sesv2::config::Builder::from(shared);
        ses.set_endpoint_url(config.ses_url);
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            ses: aws_sdk_sesv2::Client::from_conf(ses.build()),
        }
    }
}

/// Makes the configuration that the clients of all services share: region, credentials,
/// connections, timeouts and retries. Fails on a machine without root certificates.
pub fn sdk_config(config: &AwsConfig) -> Result<SdkConfig, ConfigError> {
    let timeouts = config.timeouts;
    let bounds = TimeoutConfig::builder()
        .operation_attempt_timeout(timeouts.attempt)
        .operation_timeout(timeouts.operation)
        .build();
    // The SDK waits a random part of this before the second attempt, and of twice this before the
    // third. Its default of one second is longer than the response floor.
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50));
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(config.credentials.clone())
        .http_client(http_client(timeouts)?)
        // Responses are a few hundred bytes long, so the timeouts are protection enough.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(bounds)
        .retry_config(retries)
        .build())
}

/// Makes an HTTP client for AWS over TLS. Fails on a machine without root certificates.
pub fn http_client(timeouts: Timeouts) -> Result<SharedHttpClient, ConfigError> {
    http::client(timeouts).map_err(|error| ConfigError::invalid("SSL_CERT_FILE", error))
}

/// Opens connections to DynamoDB and SES concurrently. Each argument is a call to one of them that
/// changes nothing. A failure is only logged: the process starts, and the first request connects.
pub async fn connect<D: Error + 'static, S: Error + 'static>(
    dynamodb: impl Future<Output = Result<(), D>>,
    ses: impl Future<Output = Result<(), S>>,
) {
    let both = async { tokio::join!(dynamodb, ses) };
    let Ok((dynamodb, ses)) = tokio::time::timeout(Timeouts::default().attempt, both).await else {
        tracing::warn!(event = "init.timeout", "not connected at start");
        return;
    };
    if let Err(error) = dynamodb {
        let error: &dyn Error = &error;
        tracing::warn!(error, event = "init.dynamodb", "not connected at start");
    }
    if let Err(error) = ses {
        let error: &dyn Error = &error;
        tracing::warn!(error, event = "init.ses", "not connected at start");
    }
}
