//! What a relay does with a call.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;

/// One thing after another. A call that nothing answers ends its connection.
#[derive(Debug, Clone)]
pub struct Action(pub Vec<Step>);

/// A part of what happens to a call.
#[derive(Debug, Clone)]
pub enum Step {
    /// Time passes.
    Wait(Duration),
    /// The service gets the call, and the caller gets its answer.
    Forward,
    /// The service gets the call, and its answer is lost.
    Deliver,
    /// The caller gets this response of HTTP/1.1.
    Answer(String),
    /// The caller gets no answer until its time is up and it closes the connection.
    AwaitGivingUp,
    /// The relay waits until the caller closes the connection.
    AwaitEnd,
    /// The relay waits until it is told.
    AwaitNotice(Arc<Notify>),
    /// Whoever waits for this is told.
    Notify(Arc<Notify>),
    /// The end of the connection will be a reset.
    Reset,
}

impl Action {
    /// The connection's end; the service never sees the call.
    pub const HANG_UP: Self = Self(Vec::new());

    /// The service's own answer.
    #[must_use]
    pub fn forward() -> Self {
        Self(vec![Step::Forward])
    }

    /// The same after this time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self([vec![Step::Wait(delay)], self.0].concat())
    }

    /// No answer in time; the service gets the call when the caller has given up.
    #[must_use]
    pub fn too_late() -> Self {
        Self(vec![Step::AwaitGivingUp, Step::Deliver])
    }

    /// An error of AWS's; the service never sees the call.
    #[must_use]
    pub fn refuse(status: u16, error: &str) -> Self {
        Self::answer(status, error, r#"{"message":"refused as told"}"#)
    }

    /// How DynamoDB says that it cancelled a transaction of so many items because of the first one.
    #[must_use]
    pub fn cancel(reason: &str, items: usize) -> Self {
        let mut reasons = vec![json!({ "Code": "None" }); items];
        if let Some(first) = reasons.first_mut() {
            *first = json!({ "Code": reason, "Message": "later" });
        }
        let body = json!({ "Message": "cancelled", "CancellationReasons": reasons });
        Self::answer(400, "TransactionCanceledException", &body.to_string())
    }

    /// An answer with this status, body and, unless it is empty, name of AWS's error; the service
    /// never sees the call.
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
