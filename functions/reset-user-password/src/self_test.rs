//! The self-test: resets a synthetic account as a client would, and measures how the response time
//! differs from that for an unknown name.

use std::time::Duration;

use http::{HeaderMap, Method};
use lambda_http::lambda_runtime::Error;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use shared::lambda::Request;
use shared::metrics::{self, Metric};
use tokio::time::Instant;

use crate::asmx::{Binding, HTTP_GET_PATH};
use crate::delivery::ResetOutcome;
use crate::{Called, Service};

/// A call and the time it took.
struct Probe {
    called: Called,
    took: Duration,
}

impl Service {
    /// Resets the account of the self-test and an unknown name. A wrong result is counted and
    /// logged. An error means that the test could not run.
    pub(crate) async fn self_test(&self, request_id: &str) -> Result<Value, Error> {
        if !self.protocols.http_get {
            return Err("the self-test needs HttpGet in ASMX_PROTOCOLS".into());
        }
        let nobody = format!("self-test-{request_id}");
        // The first request of a process is slower than the others, so its time is not used.
        self.probe(&format!("{nobody}-0"), request_id).await;
        let known = self.probe(&self.self_test_username, request_id).await;
        let unknown = self.probe(&nobody, request_id).await;

        let gap = known.took.abs_diff(unknown.took);
        metrics::time(Metric::SelfTestGap, gap);
        let is_reset = known.called.outcome == Some(ResetOutcome::Done);
        let (known, unknown) = (known.called.response, unknown.called.response);
        let is_same_answer = known.status() == unknown.status()
            && known.headers() == unknown.headers()
            && known.body() == unknown.body();
        if !(is_reset && is_same_answer) {
            metrics::count(Metric::SelfTestFailures);
            tracing::error!(%request_id, is_reset, is_same_answer, event = "self_test.failed", "self-test");
        }
        Ok(json!({
            "function": "ResetUserPassword",
            "self_test": { "reset": is_reset, "same_answer": is_same_answer },
        }))
    }

    async fn probe(&self, username: &str, request_id: &str) -> Probe {
        let username = utf8_percent_encode(username, NON_ALPHANUMERIC);
        let target = format!("{HTTP_GET_PATH}?username={username}");
        let mut request = Request::new(Method::GET, &target, HeaderMap::new(), vec![]);
        "self-test".clone_into(&mut request.source);
        request_id.clone_into(&mut request.request_id);
        let began = Instant::now();
        let called = self.call(Binding::HttpGet, &request).await;
        Probe {
            called,
            took: began.elapsed(),
        }
    }
}
