//! The time that the SDK's timeouts go by in tests: it stands still until a relay moves it, so that
//! no test waits out a timeout, and none fails on a slow machine because a call took too long.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{AsyncSleep, Region, SharedAsyncSleep, Sleep};
use shared::aws::Clients;
use tokio::sync::watch;

/// The pause before a second attempt, at most; a second for real.
const BACKOFF: Duration = Duration::from_millis(1);

/// A clock for the timeouts of some clients.
#[derive(Debug, Clone)]
pub(crate) struct SdkClock {
    elapsed: watch::Sender<Duration>,
    /// Sleeps of these lengths are timeouts. All others are real.
    timeouts: [Option<Duration>; 2],
}

impl SdkClock {
    /// A clock for the timeouts that these clients have.
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

    /// Lets an attempt that waits for its answer time out.
    pub(crate) fn pass_attempt(&self) {
        let [attempt, _] = self.timeouts;
        let passed = attempt.unwrap_or_default();
        self.elapsed.send_modify(|elapsed| *elapsed += passed);
    }

    /// These clients on this clock. Their connections are still those of the clients they were.
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
            // There is a sender as long as there is `clock`.
            let _ = elapsed.wait_for(|elapsed| *elapsed >= due).await;
            drop(clock);
        })
    }
}

/// These clients for endpoints of this machine, with retries counted apart from all others: the SDK
/// counts them by region, for the whole process, and makes none when there were too many.
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
