//! The interface between a function and the Lambda runtime.

use std::fmt::{self, Debug};

use futures_util::future::BoxFuture;
use http::Response;
use lambda_http::lambda_runtime::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::request::Request;
use crate::front_door::FrontDoor;

/// A function, which answers HTTP requests and handles events from EventBridge.
pub trait Handler: Debug + Send + Sync + 'static {
    /// Opens the connections that requests will use, before the first request is handled. Otherwise
    /// a request about one user might have to wait for a connection that a request about another
    /// does not need. A failure is logged, and the request that needs the connection tries again.
    fn init(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The front door that requests must come through.
    fn front_door(&self) -> &FrontDoor;

    /// Answers a request. Every failure is a response in the caller's protocol, because the gateway
    /// would turn an error into JSON, which no legacy client can read.
    fn handle(&self, request: Request) -> BoxFuture<'_, Answer>;

    /// Returns the protocol's server fault, for a request whose handler panicked.
    fn fault(&self, request: &Request) -> Response<String>;

    /// Handles an event from EventBridge and returns a small JSON result. An error makes the
    /// invocation fail, so that Lambda counts and retries it.
    fn on_event<'a>(
        &'a self,
        event: &'a Event,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Value, Error>>;
}

/// A response, with labels for the log and the metrics.
pub struct Answer {
    /// The response.
    pub response: Response<String>,
    /// The binding (ASMX) or format (ServiceStack) of the call; `None` for pages.
    pub binding: Option<&'static str>,
    /// The outcome of the operation, as the name of its log event, for example `reset.done`. `None`
    /// if no operation ran.
    pub outcome: Option<&'static str>,
}

impl Debug for Answer {
    /// Omits the response, which may contain an email address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("binding", &self.binding)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

impl From<Response<String>> for Answer {
    fn from(response: Response<String>) -> Self {
        Self {
            response,
            binding: None,
            outcome: None,
        }
    }
}

/// An event from EventBridge (EventBridge user guide, "Events").
#[derive(Clone, Deserialize)]
pub struct Event {
    /// The `detail-type`, for example `Scheduled Event` or `Email Bounced`.
    #[serde(rename = "detail-type")]
    pub kind: String,
    /// The details of the event; `null` if it has none.
    #[serde(default, deserialize_with = "detail")]
    pub detail: Value,
}

impl Debug for Event {
    /// Omits the detail, because reports from SES contain addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Event {
    /// The kind of the events that a schedule sends.
    pub const SCHEDULED: &str = "Scheduled Event";
    /// The error message for an event of an unexpected kind.
    pub const UNKNOWN: &str = "unexpected kind of event";

    /// The task that a schedule requests. `None` for the default task.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.detail.get("task")?.as_str()
    }
}

/// Deserializes `detail`. Rules of EventBridge send it as an object, EventBridge Scheduler as the
/// JSON text that it was configured with.
fn detail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let detail = Value::deserialize(deserializer)?;
    let object = detail
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    Ok(object.filter(Value::is_object).unwrap_or(detail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_is_found_in_an_object_and_in_its_text() {
        for (detail, task) in [
            (json!({ "task": "self-test" }), Some("self-test")),
            (json!("{\"task\":\"self-test\"}"), Some("self-test")),
            (json!({}), None),
            (json!(null), None),
            (json!("self-test"), None),
            (json!("\"self-test\""), None),
        ] {
            let event = json!({ "detail-type": "Scheduled Event", "detail": detail });
            let event: Event = serde_json::from_value(event).unwrap();
            assert_eq!(event.task(), task, "{detail}");
        }
    }
}
