//! An invocation: takes an event, returns the gateway's response or a result, and emits metrics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use http::header::{self, HeaderValue};
use http::{Method, Response, StatusCode};
use lambda_http::lambda_runtime::{Context, Error, LambdaEvent, service_fn};
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Body, IntoResponse, RequestExt as _, Service as _};
use serde_json::Value;

use super::handler::{Answer, Event, Handler};
use super::repair;
use super::request::{MAX_HEAD, Request};
use crate::clock::Clock;
use crate::front_door::Bypassed;
use crate::metrics::{self, Labels, Metric};

/// The data about an invocation that its log and its metrics need.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    /// The function's name, a dimension of its metrics.
    pub(super) function: String,
    /// The identifier that Lambda assigned.
    pub(super) request_id: String,
    /// Whether it is the first of its process.
    pub(super) is_cold_start: bool,
    /// Emits the line of metrics.
    pub(super) emit: fn(&Value),
}

/// Handles one event like [`run`](super::run), but takes and returns JSON and emits no metrics.
pub async fn invoke(
    handler: &Arc<dyn Handler>,
    event: &str,
    request_id: String,
) -> Result<Value, Error> {
    let payload: LambdaRequest = serde_json::from_str(event)?;
    let mut context = Context::default();
    context.request_id.clone_from(&request_id);
    let invocation = Invocation {
        function: String::new(),
        request_id,
        is_cold_start: false,
        emit: |_| {},
    };
    let event = LambdaEvent { payload, context };
    let response = answer(Arc::clone(handler), invocation, event).await?;
    Ok(serde_json::to_value(response)?)
}

pub(super) async fn answer(
    handler: Arc<dyn Handler>,
    invocation: Invocation,
    LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>,
) -> Result<impl serde::Serialize, Error> {
    let reply = |request: lambda_http::Request| {
        let (handler, invocation) = (Arc::clone(&handler), invocation.clone());
        async move { invocation.reply(handler.as_ref(), request).await }
    };
    let payload = repair::repaired(payload);
    lambda_http::Adapter::from(service_fn(reply))
        .call(LambdaEvent { payload, context })
        .await
}

impl Invocation {
    async fn reply(
        &self,
        handler: &dyn Handler,
        request: lambda_http::Request,
    ) -> Result<TextResponse, Error> {
        let replied = async {
            if self.is_cold_start {
                metrics::count(Metric::ColdStarts);
            }
            match (request.request_context_ref(), request.body()) {
                (Some(RequestContext::PassThrough), Body::Text(event)) => {
                    let result = on_event(handler, event, &self.request_id).await?;
                    Ok(Response::new(result.to_string()).into())
                }
                _ => Ok(self.respond(handler, request.into()).await),
            }
        };
        let (answer, measured) = metrics::collect(replied).await;
        let ended = answer.as_ref().ok();
        let labels = Labels {
            function: &self.function,
            request_id: &self.request_id,
            binding: ended.and_then(|answer| answer.binding),
            outcome: ended.and_then(|answer| answer.outcome),
        };
        if let Some(line) = measured.embedded(&labels, Clock::system().now()) {
            (self.emit)(&line);
        }
        answer.map(|answer| TextResponse(answer.response))
    }

    async fn respond(&self, handler: &dyn Handler, request: Request) -> Answer {
        let started = Instant::now();
        let unadmitted = Caller::of(&request);
        let (caller, mut answer) = match request.admitted(handler.front_door()) {
            Ok(request) => (Caller::of(&request), self.answer(handler, request).await),
            Err(Bypassed) => (unadmitted, forbidden()),
        };
        let outcome = answer
            .outcome
            .unwrap_or_else(|| default_outcome(answer.response.status()));
        answer.outcome = Some(outcome);
        self.record(&caller, &answer, started.elapsed());
        answer
    }

    async fn answer(&self, handler: &dyn Handler, request: Request) -> Answer {
        if request.head_length() > MAX_HEAD {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return response.into();
        }
        self.handle(handler, request).await
    }

    /// Returns the handler's answer, or the protocol's server fault if the handler panics.
    async fn handle(&self, handler: &dyn Handler, request: Request) -> Answer {
        // Only needed after a panic, and without the body, which may be large.
        let for_fault = request.without_body();
        let result = AssertUnwindSafe(handler.handle(request))
            .catch_unwind()
            .await;
        result.unwrap_or_else(|_| {
            let request_id = &self.request_id;
            tracing::error!(%request_id, event = "request.panicked", "the handler panicked");
            handler.fault(&for_fault).into()
        })
    }

    /// Writes the log line and the metrics of a request.
    fn record(&self, caller: &Caller, answer: &Answer, duration: Duration) {
        metrics::count(Metric::Requests);
        metrics::time(Metric::Duration, duration);
        tracing::info!(
            request_id = %self.request_id,
            method = %caller.method,
            source = caller.source,
            binding = answer.binding,
            outcome = answer.outcome,
            status = answer.response.status().as_u16(),
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            cold_start = self.is_cold_start,
            "request"
        );
    }
}

/// What the log says of whoever sent a request.
struct Caller {
    method: Method,
    source: String,
}

impl Caller {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method.clone(),
            source: request.source.clone(),
        }
    }
}

/// The answer to a request that bypassed the front door. It has API Gateway's format, because such
/// a request does not come from a client of either protocol.
fn forbidden() -> Answer {
    let mut response = Response::new(r#"{"message":"Forbidden"}"#.to_owned());
    *response.status_mut() = StatusCode::FORBIDDEN;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Answer {
        response,
        binding: None,
        outcome: Some("front_door.bypassed"),
    }
}

/// The outcome of a request that no operation answered.
fn default_outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..400 => "request.answered",
        400..500 => "request.refused",
        500.. => "request.failed",
    }
}

/// Handles an event that is not an HTTP request.
async fn on_event(handler: &dyn Handler, event: &str, request_id: &str) -> Result<Value, Error> {
    let event: Event = serde_json::from_str(event)
        .map_err(|_| "the event is neither an HTTP request nor an EventBridge event")?;
    handler.on_event(&event, request_id).await
}

/// A response whose body is sent as text, whatever its media type. Base64 would only make it
/// longer.
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
    use futures_util::future::BoxFuture;
    use password::Secret;
    use serde_json::json;

    use super::*;
    use crate::front_door::FrontDoor;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn behind_cloudfront() -> Echo {
        Echo(FrontDoor::CloudFront(vec![Secret::from(SECRET)]))
    }

    /// Echoes the request, and panics when the path says so.
    #[derive(Debug, Default)]
    struct Echo(FrontDoor);

    impl Handler for Echo {
        fn front_door(&self) -> &FrontDoor {
            &self.0
        }

        fn handle(&self, request: Request) -> BoxFuture<'_, Answer> {
            Box::pin(async move {
                assert!(request.path != "/panic", "as told");
                Answer {
                    response: Response::new(match &*request.path {
                        "/caller" => format!("{} {}", request.source, request.url()),
                        "/headers" => format!("{:?}", request.headers),
                        path => format!("{path} {}", request.request_id),
                    }),
                    binding: Some("Echo"),
                    outcome: Some("echo.done"),
                }
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
        result_of(Echo::default(), event).await
    }

    async fn result_of(echo: Echo, event: Value) -> Result<Value, Error> {
        let echo: Arc<dyn Handler> = Arc::new(echo);
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

    /// The line of metrics that an invocation emits on this thread.
    fn emitted(event: &Value) -> Value {
        emitted_by(Echo::default(), event)
    }

    fn emitted_by(echo: Echo, event: &Value) -> Value {
        thread_local! {
            static LINE: std::cell::RefCell<Value> = std::cell::RefCell::default();
        }
        let invocation = Invocation {
            function: "echo".to_owned(),
            request_id: "r-1".to_owned(),
            is_cold_start: true,
            emit: |line| LINE.set(line.clone()),
        };
        let event = LambdaEvent {
            payload: serde_json::from_str(&event.to_string()).unwrap(),
            context: Context::default(),
        };
        let answered = answer(Arc::new(echo), invocation, event);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let answered = { runtime }.build().unwrap().block_on(answered);
        answered.map(|_| ()).unwrap();
        LINE.take()
    }

    #[test]
    fn metrics_name_the_binding_and_the_outcome() {
        let line = emitted(&get("/x"));
        assert_eq!(line["Function"], "echo");
        assert_eq!(line["request_id"], "r-1");
        assert_eq!(line["ColdStarts"], 1.0);
        assert_eq!(line["Binding"], "Echo");
        assert_eq!(line["Outcome"], "echo.done");
        let panicked = emitted(&get("/panic"));
        assert_eq!(panicked["Outcome"], "request.failed");
        assert_eq!(panicked["Binding"], Value::Null);
        let event = emitted(&json!({ "detail-type": "Scheduled Event" }));
        assert_eq!(event["Requests"], Value::Null);
        assert_eq!(event["ColdStarts"], 1.0);
    }

    /// A request from 192.0.2.1 to `https://example.com` with these additional headers.
    fn request(path: &str, headers: &[(&str, &str)]) -> Value {
        let mut event = get(path);
        event["requestContext"]["http"]["sourceIp"] = "192.0.2.1".into();
        event["headers"] = json!({ "host": "example.com", "x-forwarded-proto": "https" });
        for (name, value) in headers {
            event["headers"][*name] = (*value).into();
        }
        event
    }

    const FROM_CLOUDFRONT: [(&str, &str); 3] = [
        ("x-front-door-secret", SECRET),
        ("cloudfront-viewer-address", "198.51.100.10:46532"),
        ("cloudfront-forwarded-proto", "http"),
    ];

    #[tokio::test]
    async fn cloudfront_headers_are_trusted_only_with_the_secret() {
        let event = request("/caller", &FROM_CLOUDFRONT);
        let answered = result_of(behind_cloudfront(), event.clone()).await.unwrap();
        assert_eq!(answered["body"], "198.51.100.10 http://example.com/caller");
        // The same headers without a front door: any caller may have written them.
        let answered = result_of(Echo::default(), event).await.unwrap();
        assert_eq!(answered["body"], "192.0.2.1 https://example.com/caller");
    }

    #[tokio::test]
    async fn addresses_that_callers_can_write_are_never_trusted() {
        let written = [
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7;proto=http;host=evil.example"),
            ("x-real-ip", "203.0.113.7"),
            ("x-forwarded-host", "evil.example"),
        ];
        let event = request("/caller", &written);
        let answered = result(event).await.unwrap();
        assert_eq!(answered["body"], "192.0.2.1 https://example.com/caller");
        let event = request("/caller", &[&written[..], &FROM_CLOUDFRONT].concat());
        let answered = result_of(behind_cloudfront(), event).await.unwrap();
        assert_eq!(answered["body"], "198.51.100.10 http://example.com/caller");
    }

    #[tokio::test]
    async fn viewers_with_unreadable_addresses_share_one_source() {
        for fields in [&[][..], &[("cloudfront-viewer-address", "elsewhere")]] {
            let event = request("/caller", &[fields, &FROM_CLOUDFRONT[..1]].concat());
            let answered = result_of(behind_cloudfront(), event).await.unwrap();
            assert_eq!(answered["body"], "unknown https://example.com/caller");
        }
    }

    #[tokio::test]
    async fn a_request_that_bypasses_the_front_door_gets_the_gateways_403() {
        let fields = [
            ("x-front-door-secret", "0123456789abcdef0123456789abcdee"),
            ("cloudfront-viewer-address", "198.51.100.10:46532"),
        ];
        // If the handler were called, it would panic and the answer would be 500.
        for fields in [&[][..], &fields[1..], &fields] {
            let event = request("/panic", fields);
            let answered = result_of(behind_cloudfront(), event).await.unwrap();
            assert_eq!(answered["statusCode"], 403);
            assert_eq!(answered["body"], r#"{"message":"Forbidden"}"#);
            assert_eq!(
                answered["headers"],
                json!({ "content-type": "application/json" })
            );
        }
    }

    #[tokio::test]
    async fn handlers_never_see_front_door_headers() {
        for echo in [Echo::default(), behind_cloudfront()] {
            let event = request("/headers", &FROM_CLOUDFRONT);
            let answered = result_of(echo, event).await.unwrap();
            let seen = answered["body"].as_str().unwrap();
            assert!(seen.contains("example.com"), "{seen}");
            assert!(
                !seen.contains(SECRET) && !seen.contains("cloudfront"),
                "{seen}"
            );
        }
    }

    #[tokio::test]
    async fn events_need_no_front_door() {
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        let answered = result_of(behind_cloudfront(), event).await.unwrap();
        assert_eq!(answered, json!({ "Scheduled Event": "r-1" }));
    }

    #[test]
    fn metrics_count_requests_that_bypass_the_front_door() {
        let line = emitted_by(behind_cloudfront(), &get("/x"));
        assert_eq!(line["Outcome"], "front_door.bypassed");
        assert_eq!(line["Requests"], 1.0);
    }
}
