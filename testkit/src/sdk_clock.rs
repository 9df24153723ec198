//! The clock of the SDK's timeouts in tests. It stands still until a relay advances it, so that no
//! test waits for a timeout, and none fails on a slow machine because a call took too long.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{AsyncSleep, Region, SharedAsyncSleep, Sleep};
use shared::aws::Clients;
use tokio::sync::watch;

/// The maximum pause before a second attempt. In production, it is 50 ms.
const BACKOFF: Duration = Duration::from_millis(1);

/// A clock for the timeouts of certain clients.
#[derive(Debug, Clone)]
pub(crate) struct SdkClock {
    elapsed: watch::Sender<Duration>,
    /// Sleeps of these lengths are timeouts. All others use real time.
    timeouts: [Option<Duration>; 2],
}

impl SdkClock {
    /// Makes a clock for the timeouts of these clients.
    pub(crate) fn of(clients: &Clients) -> Self {
        let timeouts = clients.dynamodb.config().timeout_config();
        let timeouts = timeouts.cloned().unwrap_or_else(TimeoutConfig::disabled);
        Self {
            elapsed: watch::Sender::default(),
            timeouts: [
                timeouts.operation_attempt_timeout(),
                timeouts.operation_timeout(),
            ],
        }
    }

    /// Times out an attempt that is waiting for its answer.
    pub(crate) fn pass_attempt(&self) {
        let [attempt, _] = self.timeouts;
        let passed = attempt.unwrap_or_default();
        self.elapsed.send_modify(|elapsed| *elapsed += passed);
    }

    /// Returns these clients with this clock. They keep their connections.
    pub(crate) fn clients(&self, clients: &Clients) -> Clients {
        let sleep = SharedAsyncSleep::new(self.clone());
        let (dynamodb, ses) = (clients.dynamodb.config(), clients.ses.config());
        let retries = |config: Option<&RetryConfig>| {
            let config = config.cloned().unwrap_or_else(RetryConfig::standard);
            config.with_initial_backoff(BACKOFF)
        };
        let dynamodb = dynamodb
            .to_builder()
            .retry_config(retries(dynamodb.retry_config()))
            .sleep_impl(sleep.clone());
        let ses = ses
            .to_builder()
            .retry_config(retries(ses.retry_config()))
            .sleep_impl(sleep);
        Clients {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
            ses: aws_sdk_sesv2::Client::from_conf(ses.build()),
        }
    }
}

impl AsyncSleep for SdkClock {
    fn sleep(&self, duration: Duration) -> Sleep {
        if !self.timeouts.contains(&Some(duration)) {
            return Sleep::new(tokio::time::sleep(duration));
        }
        let mut elapsed = self.elapsed.subscribe();
        let due = *elapsed.borrow_and_update() + duration;
        let clock = self.clone();
        Sleep::new(async move {
            // The sender lives as long as `clock`.
            let _ = elapsed.wait_for(|elapsed| *elapsed >= due).await;
            drop(clock);
        })
    }
}

/// Returns clients for other endpoints, with a separate retry quota. The SDK counts retries per
/// region for the whole process, and stops retrying if there are too many.
pub(crate) fn redirected(clients: &Clients, region: String, urls: [&str; 2]) -> Clients {
    let [dynamodb_url, ses_url] = urls;
    let region = Region::new(region);
    let dynamodb = clients.dynamodb.config().to_builder();
    let dynamodb = dynamodb.region(region.clone()).endpoint_url(dynamodb_url);
    let ses = clients.ses.config().to_builder();
    let ses = ses.region(region).endpoint_url(ses_url);
    Clients {
        dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        ses: aws_sdk_sesv2::Client::from_conf(ses.build()),
    }
}
