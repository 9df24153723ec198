//! The boundary to Lambda: events become [`Request`]s, responses become what the gateway expects.
//!
//! `lambda_http` knows the events; this adds what it leaves open: events its conversion would
//! refuse or panic on (`repair`), events that are no requests, a panic answered in the caller's
//! protocol, and what each invocation measured.

mod repair;
mod request;

use std::fmt::{self, Debug};
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, Response, StatusCode};
use lambda_http::lambda_runtime::{self, Context, Error, LambdaEvent, service_fn};
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Body, IntoResponse, RequestExt as _, Service as _};
use serde::Deserialize;
use serde_json::Value;

pub use request::Request;

use crate::clock::Clock;
use crate::metrics::{self, Metric};
use crate::telemetry;

/// The longest path, query and headers together: what the legacy servers' HTTP.sys took
/// (`MaxRequestBytes`). API Gateway passes on 10,240 bytes and what it adds itself.
pub const MAX_HEAD: usize = 16 * 1024;

/// Turns of the event loop, more than `lambda_runtime` needs to ask for the first event. What a
/// function's `init` computes would put that off.
const TURNS_TO_ASK: usize = 16;

/// What a function does with the two kinds of event it gets.
pub trait Function: Debug + Send + Sync + 'static {
    /// Opens the connections that requests will use, before the first request is looked at: who is
    /// made to wait for a connection must not depend on whom the request is about. What fails is
    /// logged, and tried again by the request that needs it.
    fn init(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Answers a request. Every failure is a response in the caller's protocol: an error would
    /// become the gateway's own JSON, which no legacy client can read.
    fn handle(&self, request: Request) -> BoxFuture<'_, Response<String>>;

    /// The protocol's server fault, for a request whose handling panicked.
    fn fault(&self, request: &Request) -> Response<String>;

    /// Answers an event of EventBridge's with a small JSON result. An error makes the invocation
    /// fail, so that it is counted and retried.
    fn on_event<'a>(
        &'a self,
        event: &'a Event,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Value, Error>>;
}

/// An event of EventBridge's (EventBridge user guide, "Events").
#[derive(Clone, Deserialize)]
pub struct Event {
    /// What kind of event it is: `Scheduled Event`, `Email Bounced`.
    #[serde(rename = "detail-type")]
    pub kind: String,
    /// What happened.
    #[serde(default)]
    pub detail: Value,
}

impl Debug for Event {
    /// What SES reports names addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Event {
    /// The kind of what a schedule sends.
    pub const SCHEDULED: &str = "Scheduled Event";
    /// The error of a function that knows no events of a kind.
    pub const UNKNOWN: &str = "no events of this kind are expected";

    /// What a schedule asks for, when it does not ask for the usual.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.detail.get("task")?.as_str()
    }
}

/// Serves the Lambda Runtime API until the process is stopped; prints a line of metrics for every
/// invocation. One thread is enough: an execution environment gets one request at a time, and only
/// the hash needs another.
///
/// The first request is asked for while the function's `init` is under way, and waits for its end.
pub fn run(function: Arc<dyn Function>) -> Result<(), Error> {
    telemetry::log_panics();
    let starting = Arc::clone(&function);
    let ready = async move {
        for _ in 0..TURNS_TO_ASK {
            tokio::task::yield_now().await;
        }
        starting.init().await;
    };
    let ready = ready.boxed().shared();
    let starting = ready.clone();
    let is_first = Arc::new(AtomicBool::new(true));
    let service = service_fn(move |event: LambdaEvent<LambdaRequest>| {
        let (function, ready) = (Arc::clone(&function), ready.clone());
        let is_first = is_first.swap(false, Ordering::Relaxed);
        let (name, request_id) = (
            event.context.env_config.function_name.clone(),
            event.context.request_id.clone(),
        );
        async move {
            let invocation = async {
                if is_first {
                    metrics::count(Metric::ColdStarts);
                }
                ready.await;
                answer(function, event).await
            };
            let (result, measured) = metrics::collect(invocation).await;
            let now = Clock::system().now();
            if let Some(line) = measured.embedded(&name, &request_id, now) {
                // Metrics that cannot be written are no reason to fail a request.
                let _ = writeln!(std::io::stdout(), "{line}");
            }
            result
        }
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            tokio::spawn(starting);
            lambda_runtime::run(service).await
        })
}

/// Answers one event, given and returned as JSON, as [`run`] would.
pub async fn invoke(
    function: &Arc<dyn Function>,
    event: &str,
    request_id: String,
) -> Result<Value, Error> {
    let payload: LambdaRequest = serde_json::from_str(event)?;
    let mut context = Context::default();
    context.request_id = request_id;
    let response = answer(Arc::clone(function), LambdaEvent { payload, context }).await?;
    Ok(serde_json::to_value(response)?)
}

async fn answer(
    function: Arc<dyn Function>,
    LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>,
) -> Result<impl serde::Serialize, Error> {
    let invocation = context.request_id.clone();
    let reply = |request: lambda_http::Request| {
        let (function, invocation) = (Arc::clone(&function), invocation.clone());
        async move {
            match (request.request_context_ref(), request.body()) {
                (Some(RequestContext::PassThrough), Body::Text(event)) => {
                    let result = on_event(function.as_ref(), event, &invocation).await?;
                    Ok(TextResponse(Response::new(result.to_string())))
                }
                _ => Ok::<_, Error>(respond(function.as_ref(), request.into()).await),
            }
        }
    };
    let payload = repair::repaired(payload);
    lambda_http::Adapter::from(service_fn(reply))
        .call(LambdaEvent { payload, context })
        .await
}

/// Events that are not HTTP requests.
async fn on_event(function: &dyn Function, event: &str, request_id: &str) -> Result<Value, Error> {
    let event: Event = serde_json::from_str(event)
        .map_err(|_| "the event is neither an HTTP request nor one of EventBridge's")?;
    function.on_event(&event, request_id).await
}

async fn respond(function: &dyn Function, request: Request) -> TextResponse {
    let started = Instant::now();
    let (method, request_id) = (request.method.clone(), request.request_id.clone());
    // Only for a panic; without the body, which may be large and is not needed then.
    let for_fault = request.without_body();
    let response = if request.head_length() > MAX_HEAD {
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        response
    } else {
        let handled = AssertUnwindSafe(function.handle(request))
            .catch_unwind()
            .await;
        handled.unwrap_or_else(|_| {
            tracing::error!(%request_id, event = "request.panicked", "the handler panicked");
            function.fault(&for_fault)
        })
    };
    record(&request_id, &method, response.status(), started.elapsed());
    TextResponse(response)
}

/// The log line and the metrics of a request.
fn record(request_id: &str, method: &Method, status: StatusCode, duration: Duration) {
    metrics::count(Metric::Requests);
    metrics::time(Metric::Duration, duration);
    let measured = metrics::so_far();
    let outcome = measured.outcome.unwrap_or(match status.as_u16() {
        ..400 => "request.answered",
        400..500 => "request.refused",
        500.. => "request.failed",
    });
    metrics::outcome(outcome);
    let cold_start = !measured.values(Metric::ColdStarts).is_empty();
    tracing::info!(
        %request_id,
        %method,
        binding = measured.binding,
        outcome,
        status = status.as_u16(),
        duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        cold_start,
        "request"
    );
}

/// Every body of ours is text, whatever its media type: base64 would only make it longer.
struct TextResponse(Response<String>);

impl IntoResponse for TextResponse {
    fn into_response(self) -> std::pin::Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let response = self.0.map(|text| {
            if text.is_empty() {
                Body::Empty
            } else {
                text.into()
            }
        });
        Box::pin(std::future::ready(response))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Answers with what it was asked, and panics when told to.
    #[derive(Debug)]
    struct Echo;

    impl Function for Echo {
        fn handle(&self, request: Request) -> BoxFuture<'_, Response<String>> {
            Box::pin(async move {
                assert!(request.path != "/panic", "as told");
                Response::new(format!("{} {}", request.path, request.request_id))
            })
        }

        fn fault(&self, request: &Request) -> Response<String> {
            let mut response = Response::new(format!("fault of {}", request.path));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }

        fn on_event<'a>(
            &'a self,
            event: &'a Event,
            request_id: &'a str,
        ) -> BoxFuture<'a, Result<Value, Error>> {
            Box::pin(async move { Ok(json!({ &event.kind: request_id })) })
        }
    }

    async fn result(event: Value) -> Result<Value, Error> {
        let echo: Arc<dyn Function> = Arc::new(Echo);
        invoke(&echo, &event.to_string(), "r-1".to_owned()).await
    }

    fn get(path: &str) -> Value {
        json!({
            "version": "2.0",
            "rawPath": path,
            "headers": {},
            "requestContext": { "http": { "method": "GET", "path": path } },
            "isBase64Encoded": false
        })
    }

    #[tokio::test]
    async fn a_request_gets_the_functions_response() {
        let result = result(get("/x")).await.unwrap();
        assert_eq!(result["statusCode"], 200);
        assert_eq!(result["body"], "/x r-1");
        assert_eq!(result["isBase64Encoded"], false);
    }

    #[tokio::test]
    async fn a_head_over_the_limit_is_refused() {
        let mut event = get("/x");
        event["headers"]["x-long"] = "x".repeat(MAX_HEAD - 100).into();
        assert_eq!(result(event.clone()).await.unwrap()["statusCode"], 200);
        event["headers"]["x-more"] = "x".repeat(100).into();
        assert_eq!(result(event).await.unwrap()["statusCode"], 431);
        let long_path = result(get(&format!("/{}", "x".repeat(MAX_HEAD)))).await;
        assert_eq!(long_path.unwrap()["statusCode"], 431);
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_protocol() {
        let result = result(get("/panic")).await.unwrap();
        assert_eq!(result["statusCode"], 500);
        assert_eq!(result["body"], "fault of /panic");
    }

    #[tokio::test]
    async fn an_event_gets_the_functions_result() {
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        assert_eq!(
            result(event).await.unwrap(),
            json!({ "Scheduled Event": "r-1" })
        );
    }

    #[tokio::test]
    async fn an_event_of_another_kind_fails_the_invocation() {
        for event in [
            json!({}),
            json!({ "Records": [] }),
            json!("text"),
            json!(null),
        ] {
            assert!(result(event).await.is_err());
        }
    }
}
