//! What an invocation measured, as a CloudWatch embedded metric: one log line that CloudWatch turns
//! into metrics (CloudWatch user guide, "Specification: Embedded metric format").
//!
//! Every metric has the dimension `Function`; requests and their durations are also kept by
//! `Outcome`. What is measured outside of an invocation is dropped.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;

const NAMESPACE: &str = "PasswordServices";
/// What is kept by outcome too.
const BY_OUTCOME: [Metric; 2] = [Metric::Requests, Metric::Duration];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// HTTP requests.
    Requests,
    /// From a request to its response.
    Duration,
    /// Invocations that were the first of their process.
    ColdStarts,
    /// Computing or comparing one password's hashes.
    Argon2Time,
    /// A call of SES.
    MailTime,
    /// Resets and failed logins that took longer than one response floor.
    FloorExceeded,
    /// What DynamoDB or a hash failed at, whatever the caller was told.
    Failures,
    /// Resets that are left to the sweep.
    ResetPending,
    /// Resets that were given up.
    ResetAbandoned,
    /// Mails SES did not accept.
    MailFailures,
    /// Mails that came back.
    MailBounced,
    /// Mails somebody complained about.
    MailComplained,
    /// Mails SES refused after it had accepted them.
    MailRejected,
    /// Mails that are late.
    MailDelayed,
    /// Failed logins.
    LoginFailures,
    /// Logins refused unseen: too many failed before.
    LoginsLimited,
    /// How much longer a known name was answered than an unknown one, in the self-test.
    SelfTestGap,
    /// Self-tests whose reset did not work.
    SelfTestFailures,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Requests,
        Self::Duration,
        Self::ColdStarts,
        Self::Argon2Time,
        Self::MailTime,
        Self::FloorExceeded,
        Self::Failures,
        Self::ResetPending,
        Self::ResetAbandoned,
        Self::MailFailures,
        Self::MailBounced,
        Self::MailComplained,
        Self::MailRejected,
        Self::MailDelayed,
        Self::LoginFailures,
        Self::LoginsLimited,
        Self::SelfTestGap,
        Self::SelfTestFailures,
    ];

    /// Its name in CloudWatch.
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
            Self::MailFailures => "MailFailures",
            Self::MailBounced => "MailBounced",
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

/// What one invocation measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurements {
    values: BTreeMap<Metric, Vec<f64>>,
    /// How the request came: a binding or a format.
    pub binding: Option<&'static str>,
    /// How it ended: the name of its log event.
    pub outcome: Option<&'static str>,
}

/// Runs `invocation`; gives what it measured beside its result. An invocation around it measures
/// the same.
pub async fn collect<F: Future>(invocation: F) -> (F::Output, Measurements) {
    let measured = RefCell::default();
    let (output, measured) = INVOCATION
        .scope(measured, async {
            let output = invocation.await;
            (output, INVOCATION.with(RefCell::take))
        })
        .await;
    change(|around| around.extend(&measured));
    (output, measured)
}

/// What was measured so far.
#[must_use]
pub fn so_far() -> Measurements {
    INVOCATION
        .try_with(|measured| measured.borrow().clone())
        .unwrap_or_default()
}

/// One more.
pub fn count(metric: Metric) {
    change(|measured| measured.add(metric, 1.0));
}

/// It took so long.
pub fn time(metric: Metric, duration: Duration) {
    change(|measured| measured.add(metric, milliseconds(duration)));
}

/// How the request came: a binding or a format.
pub fn binding(name: &'static str) {
    change(|measured| measured.binding = Some(name));
}

/// How the request ended: the name of its log event.
pub fn outcome(event: &'static str) {
    change(|measured| measured.outcome = Some(event));
}

fn change(change: impl FnOnce(&mut Measurements)) {
    // Nobody measures outside of an invocation.
    let _ = INVOCATION.try_with(|measured| change(&mut measured.borrow_mut()));
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

impl Measurements {
    /// The values of a metric.
    #[must_use]
    pub fn values(&self, metric: Metric) -> &[f64] {
        self.values.get(&metric).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, metric: Metric, value: f64) {
        self.values.entry(metric).or_default().push(value);
    }

    fn extend(&mut self, other: &Self) {
        for (metric, values) in &other.values {
            self.values.entry(*metric).or_default().extend(values);
        }
        self.binding = other.binding.or(self.binding);
        self.outcome = other.outcome.or(self.outcome);
    }

    /// The log line of this function's invocation, if it measured anything.
    #[must_use]
    pub fn embedded(&self, function: &str, request_id: &str, at: Timestamp) -> Option<Value> {
        if self.values.is_empty() {
            return None;
        }
        let mut line = Map::from_iter([
            ("Function".to_owned(), function.into()),
            ("request_id".to_owned(), request_id.into()),
        ]);
        let mut directives = vec![self.directive(&["Function"], |_| true)];
        let requests = self.values(Metric::Requests);
        if let (Some(outcome), [_, ..]) = (self.outcome, requests) {
            line.insert("Outcome".to_owned(), outcome.into());
            let is_kept = |metric: &Metric| BY_OUTCOME.contains(metric);
            directives.push(self.directive(&["Function", "Outcome"], is_kept));
        }
        if let Some(binding) = self.binding {
            line.insert("Binding".to_owned(), binding.into());
        }
        for (metric, values) in &self.values {
            // A metric has one number, or at most 100 of them.
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
        let kept = self.values.keys().filter(|metric| is_kept(metric));
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
    async fn one_line_has_all_an_invocation_measured() {
        let ((), measured) = collect(async {
            count(Metric::Requests);
            time(Metric::Duration, Duration::from_micros(1_500));
            time(Metric::Argon2Time, Duration::from_millis(12));
            time(Metric::Argon2Time, Duration::from_millis(13));
            binding("Soap11");
            outcome("reset.done");
        })
        .await;
        let line = measured.embedded("reset", "r-1", Timestamp(1_795_300_455));
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
            "Requests": 1.0,
            "Duration": 1.5,
            "Argon2Time": [12.0, 13.0],
        });
        assert_eq!(line, Some(expected));
        let nothing = Measurements::default().embedded("reset", "r-1", Timestamp(0));
        assert_eq!(nothing, None);
    }

    #[tokio::test]
    async fn an_invocation_around_measures_the_same() {
        let (inner, outer) = collect(async {
            count(Metric::MailFailures);
            let ((), inner) = collect(async { count(Metric::MailFailures) }).await;
            inner
        })
        .await;
        assert_eq!(inner.values(Metric::MailFailures), [1.0]);
        assert_eq!(outer.values(Metric::MailFailures), [1.0, 1.0]);
    }

    #[test]
    fn nothing_is_measured_outside_of_an_invocation() {
        count(Metric::Requests);
        assert_eq!(so_far(), Measurements::default());
    }
}
