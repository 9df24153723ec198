//! The SDK clients, with the limits both functions need.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

/// One client for each service, made at init and shared by all requests.
#[derive(Debug, Clone)]
pub struct Clients {
    /// For the tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For mail.
    pub ses: aws_sdk_sesv2::Client,
}

impl Clients {
    /// Clients as the environment configures them; `AWS_ENDPOINT_URL_DYNAMODB` and
    /// `AWS_ENDPOINT_URL_SESV2` point them elsewhere.
    pub async fn from_environment() -> Self {
        let config = settings().load().await;
        Self::new(&config)
    }

    /// Clients with this configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            ses: aws_sdk_sesv2::Client::new(config),
        }
    }
}

/// Bounded times and retries (ASVS 5.0 13.2.6): API Gateway gives up after 30 s, the function
/// after 20 s, so the three calls of a request together stay below that.
#[must_use]
pub fn settings() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_millis(2_500))
        .operation_timeout(Duration::from_secs(6))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
}
