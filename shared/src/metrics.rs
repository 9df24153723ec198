//! Metrics of an invocation in CloudWatch's embedded metric format: one log line that CloudWatch
//! turns into metrics (CloudWatch user guide, "Specification: Embedded metric format").
//!
//! Every metric has the dimension `Function`. Requests and their durations also have the dimension
//! `Outcome`. Measurements outside an invocation are dropped.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

const NAMESPACE: &str = "PasswordServices";
/// The metrics that also have the dimension `Outcome`.
const BY_OUTCOME: [Metric; 2] = [Metric::Requests, Metric::Duration];

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// HTTP requests.
    Requests,
    /// The time from a request to its response.
    Duration,
    /// Invocations that were the first of their process.
    ColdStarts,
    /// The time to hash or verify one password.
    Argon2Time,
    /// The time of one call to SES.
    MailTime,
    /// Resets and failed logins that took longer than one response floor.
    FloorExceeded,
    /// Failures of DynamoDB or of hashing, whether or not the caller was told.
    Failures,
    /// Resets left to the sweep.
    ResetPending,
    /// Resets that were abandoned.
    ResetAbandoned,
    /// Resets that were removed from the queue because they could not be read.
    ResetUnreadable,
    /// Emails that SES did not accept.
    MailFailures,
    /// Emails that bounced permanently.
    MailBounced,
    /// Emails that bounced temporarily: a full mailbox, or an out-of-office reply.
    MailSoftBounced,
    /// Emails that a recipient reported as spam.
    MailComplained,
    /// Emails that SES accepted and then rejected.
    MailRejected,
    /// Emails whose delivery is delayed.
    MailDelayed,
    /// Failed logins.
    LoginFailures,
    /// Logins refused without a check, after too many failures.
    LoginsLimited,
    /// The difference between the response times of a known and an unknown name in the self-test.
    SelfTestGap,
    /// Self-tests that failed.
    SelfTestFailures,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 20] = [
        Self::Requests,
        Self::Duration,
        Self::ColdStarts,
        Self::Argon2Time,
        Self::MailTime,
        Self::FloorExceeded,
        Self::Failures,
        Self::ResetPending,
        Self::ResetAbandoned,
        Self::ResetUnreadable,
        Self::MailFailures,
        Self::MailBounced,
        Self::MailSoftBounced,
        Self::MailComplained,
        Self::MailRejected,
        Self::MailDelayed,
        Self::LoginFailures,
        Self::LoginsLimited,
        Self::SelfTestGap,
        Self::SelfTestFailures,
    ];

    /// The name in CloudWatch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Duration => "Duration",
            Self::ColdStarts => "ColdStarts",
            Self::Argon2Time => "Argon2Time",
            Self::MailTime => "MailTime",
            Self::FloorExceeded => "FloorExceeded",
            Self::Failures => "Failures",
            Self::ResetPending => "ResetPending",
            Self::ResetAbandoned => "ResetAbandoned",
            Self::ResetUnreadable => "ResetUnreadable",
            Self::MailFailures => "MailFailures",
            Self::MailBounced => "MailBounced",
            Self::MailSoftBounced => "MailSoftBounced",
            Self::MailComplained => "MailComplained",
            Self::MailRejected => "MailRejected",
            Self::MailDelayed => "MailDelayed",
            Self::LoginFailures => "LoginFailures",
            Self::LoginsLimited => "LoginsLimited",
            Self::SelfTestGap => "SelfTestGap",
            Self::SelfTestFailures => "SelfTestFailures",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Duration | Self::Argon2Time | Self::MailTime | Self::SelfTestGap => {
                "Milliseconds"
            }
            _ => "Count",
        }
    }
}

tokio::task_local! {
    static INVOCATION: RefCell<Measurements>;
}

/// The measurements of one invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurements(BTreeMap<Metric, Vec<f64>>);

/// The text fields of a line of metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct Labels<'a> {
    /// The function's name, a dimension of every metric.
    pub function: &'a str,
    /// The identifier of the invocation.
    pub request_id: &'a str,
    /// The binding or format of the call, if it has one.
    pub binding: Option<&'a str>,
    /// The outcome of the request, a dimension of [`Metric::Requests`] and [`Metric::Duration`].
    pub outcome: Option<&'a str>,
}

/// Runs `invocation` and returns its result and its measurements, which are also added to those of
/// a surrounding invocation.
pub async fn collect<F: Future>(invocation: F) -> (F::Output, Measurements) {
    let measured = RefCell::default();
    let (output, measured) = INVOCATION
        .scope(measured, async {
            let output = invocation.await;
            (output, INVOCATION.with(RefCell::take))
        })
        .await;
    change(|surrounding| surrounding.extend(&measured));
    (output, measured)
}

/// Increments a counter.
pub fn count(metric: Metric) {
    change(|measured| measured.add(metric, 1.0));
}

/// Records a duration.
pub fn time(metric: Metric, duration: Duration) {
    change(|measured| measured.add(metric, milliseconds(duration)));
}

fn change(change: impl FnOnce(&mut Measurements)) {
    // Outside an invocation, there is nothing to add to.
    let _ = INVOCATION.try_with(|measured| change(&mut measured.borrow_mut()));
}

/// Converts to milliseconds, rounded to a microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

impl Measurements {
    /// The values of a metric, in the order in which they were measured.
    #[must_use]
    pub fn values(&self, metric: Metric) -> &[f64] {
        self.0.get(&metric).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, metric: Metric, value: f64) {
        self.0.entry(metric).or_default().push(value);
    }

    fn extend(&mut self, other: &Self) {
        for (metric, values) in &other.0 {
            self.0.entry(*metric).or_default().extend(values);
        }
    }

    /// The log line of an invocation in the embedded metric format; `None` if nothing was measured.
    #[must_use]
    pub fn embedded(&self, labels: &Labels<'_>, at: Timestamp) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let mut line = Map::from_iter([
            ("Function".to_owned(), labels.function.into()),
            ("request_id".to_owned(), labels.request_id.into()),
            ("Version".to_owned(), env!("CARGO_PKG_VERSION").into()),
        ]);
        let mut directives = vec![self.directive(&["Function"], |_| true)];
        let requests = self.values(Metric::Requests);
        if let (Some(outcome), [_, ..]) = (labels.outcome, requests) {
            line.insert("Outcome".to_owned(), outcome.into());
            let is_kept = |metric: &Metric| BY_OUTCOME.contains(metric);
            directives.push(self.directive(&["Function", "Outcome"], is_kept));
        }
        if let Some(binding) = labels.binding {
            line.insert("Binding".to_owned(), binding.into());
        }
        for (metric, values) in &self.0 {
            // The format allows one number or an array of at most 100.
            let value = match values.as_slice() {
                [one] => json!(one),
                many => json!(many.get(..100).unwrap_or(many)),
            };
            line.insert(metric.name().to_owned(), value);
        }
        let metadata = json!({
            "Timestamp": at.0.saturating_mul(1_000),
            "CloudWatchMetrics": directives,
        });
        line.insert("_aws".to_owned(), metadata);
        Some(Value::Object(line))
    }

    fn directive(&self, dimensions: &[&str], is_kept: impl Fn(&Metric) -> bool) -> Value {
        let kept = self.0.keys().filter(|metric| is_kept(metric));
        let metrics: Vec<_> = kept
            .map(|metric| json!({ "Name": metric.name(), "Unit": metric.unit() }))
            .collect();
        json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_line_contains_all_measurements() {
        let ((), measured) = collect(async {
            count(Metric::Requests);
            time(Metric::Duration, Duration::from_micros(1_500));
            time(Metric::Argon2Time, Duration::from_millis(12));
            time(Metric::Argon2Time, Duration::from_millis(13));
        })
        .await;
        let labels = Labels {
            function: "reset",
            request_id: "r-1",
            binding: Some("Soap11"),
            outcome: Some("reset.done"),
        };
        let line = measured.embedded(&labels, Timestamp(1_795_300_455));
        let count = |name: &str| json!({ "Name": name, "Unit": "Count" });
        let time = |name: &str| json!({ "Name": name, "Unit": "Milliseconds" });
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_300_455_000_u64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "PasswordServices",
                        "Dimensions": [["Function"]],
                        "Metrics": [count("Requests"), time("Duration"), time("Argon2Time")],
                    },
                    {
                        "Namespace": "PasswordServices",
                        "Dimensions": [["Function", "Outcome"]],
                        "Metrics": [count("Requests"), time("Duration")],
                    },
                ],
            },
            "Function": "reset",
            "Outcome": "reset.done",
            "Binding": "Soap11",
            "request_id": "r-1",
            "Version": env!("CARGO_PKG_VERSION"),
            "Requests": 1.0,
            "Duration": 1.5,
            "Argon2Time": [12.0, 13.0],
        });
        assert_eq!(line, Some(expected));
        let nothing = Measurements::default().embedded(&labels, Timestamp(0));
        assert_eq!(nothing, None);
    }

    #[tokio::test]
    async fn a_surrounding_invocation_measures_the_same() {
        let (inner, outer) = collect(async {
            count(Metric::MailFailures);
            let ((), inner) = collect(async { count(Metric::MailFailures) }).await;
            inner
        })
        .await;
        assert_eq!(inner.values(Metric::MailFailures), [1.0]);
        assert_eq!(outer.values(Metric::MailFailures), [1.0, 1.0]);
    }

    #[tokio::test]
    async fn measurements_outside_an_invocation_are_dropped() {
        count(Metric::Requests);
        let ((), measured) = collect(std::future::ready(())).await;
        assert_eq!(measured, Measurements::default());
    }
}
