//! The actions of a relay.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;

/// A sequence of steps. A call without an answer ends its connection.
#[derive(Debug, Clone)]
pub struct Action(pub Vec<Step>);

/// A step in the handling of a call.
#[derive(Debug, Clone)]
pub enum Step {
    /// Waits for this time.
    Wait(Duration),
    /// Forwards the call, and returns the answer.
    Forward,
    /// Forwards the call, and discards the answer.
    Deliver,
    /// Sends this HTTP/1.1 response to the caller.
    Answer(String),
    /// Lets the caller time out, and waits until it closes the connection.
    AwaitTimeout,
    /// Waits until the caller closes the connection.
    AwaitEnd,
    /// Waits for this notification.
    AwaitNotice(Arc<Notify>),
    /// Sends this notification.
    Notify(Arc<Notify>),
    /// Makes the connection end with a reset.
    Reset,
}

impl Action {
    /// Closes the connection; the service never gets the call.
    pub const HANG_UP: Self = Self(Vec::new());

    /// Forwards the call and returns the service's answer.
    #[must_use]
    pub fn forward() -> Self {
        Self(vec![Step::Forward])
    }

    /// Delays this action.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self([vec![Step::Wait(delay)], self.0].concat())
    }

    /// Sends no answer in time; the service gets the call after the caller's timeout.
    #[must_use]
    pub fn too_late() -> Self {
        Self(vec![Step::AwaitTimeout, Step::Deliver])
    }

    /// Answers with an error from AWS; the service never gets the call.
    #[must_use]
    pub fn refuse(status: u16, error: &str) -> Self {
        Self::answer(status, error, r#"{"message":"refused as told"}"#)
    }

    /// Answers as DynamoDB does if it cancels a transaction of this number of items because of the
    /// first one.
    #[must_use]
    pub fn cancel(reason: &str, items: usize) -> Self {
        let mut reasons = vec![json!({ "Code": "None" }); items];
        if let Some(first) = reasons.first_mut() {
            *first = json!({ "Code": reason, "Message": "later" });
        }
        let body = json!({ "Message": "cancelled", "CancellationReasons": reasons });
        Self::answer(400, "TransactionCanceledException", &body.to_string())
    }

    /// Answers with this status and body, and with this name of an AWS error unless the name is
    /// empty. The service never gets the call.
    #[must_use]
    pub fn answer(status: u16, error: &str, body: &str) -> Self {
        let error = match error {
            "" => String::new(),
            error => format!("x-amzn-errortype: {error}\r\n"),
        };
        let length = body.len();
        Self(vec![Step::Answer(format!(
            "HTTP/1.1 {status} As Told\r\n{error}content-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        ))])
    }
}
