//! A local API Gateway. It turns each request into an HTTP API event of payload format 2.0, runs
//! the same code as Lambda, and turns the result into a response.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use shared::clock::Clock;
use shared::lambda;
use tokio::net::TcpListener;

use crate::{Error, Functions};

/// The time that running requests get to finish when the program is stopped.
const GRACE: Duration = Duration::from_secs(10);
/// The pause after a failure to accept a connection.
const RETRY: Duration = Duration::from_millis(100);
/// The maximum length of a body in bytes, as in API Gateway.
const MAX_PAYLOAD: usize = 10 * 1024 * 1024;

/// Makes a router that passes every request to the functions. At `/`, a router that is merged with
/// it may handle some methods, for example for a page; the functions get the others.
pub fn router(functions: Functions) -> Router {
    Router::new()
        .route("/", any(forward))
        .fallback(forward)
        .with_state(functions)
}

/// Serves both functions until `stop` resolves.
pub async fn serve(
    listener: TcpListener,
    functions: Functions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_router(listener, router(functions), stop).await
}

/// Serves a router that identifies its callers by [`ConnectInfo`], until `stop` resolves.
///
/// Writes names of headers in title case, like API Gateway over HTTP/1.1, so that clients that
/// compare names case-sensitively behave the same here.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mut server = http1::Builder::new();
    server.title_case_headers(true);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // The client has disconnected, or there are too many connections.
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let service = router.clone().layer(Extension(ConnectInfo(peer)));
        let service = TowerToHyperService::new(service);
        let connection = server.serve_connection(TokioIo::new(stream), service);
        // A client that disconnects early is not an error.
        tokio::spawn(connections.watch(connection));
    }
    // Refuses new connections while the last requests finish.
    drop(listener);
    let _ = tokio::time::timeout(GRACE, connections.shutdown()).await;
    Ok(())
}

async fn forward(
    State(functions): State<Functions>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_PAYLOAD).await else {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            "{\"message\":\"Request Entity Too Large\"}",
        )
            .into_response();
    };
    call(&functions, &Request::from_parts(parts, body), peer)
        .await
        .map(Body::from)
}

/// Answers one request like the gateway, without a socket.
pub async fn call(
    functions: &Functions,
    request: &Request<Bytes>,
    peer: SocketAddr,
) -> Response<Bytes> {
    let request_id = uuid::Uuid::new_v4().to_string();
    let event = event(request, peer, &request_id).to_string();
    match invoke(functions, request.uri().path(), &event, request_id).await {
        Ok(result) => response(&result).unwrap_or_else(|| failed("the result is not a response")),
        Err(error) => failed(error),
    }
}

/// Makes API Gateway's response when a function fails.
fn failed(error: impl std::fmt::Display) -> Response<Bytes> {
    #[expect(
        clippy::print_stderr,
        reason = "this is a program for a developer's terminal"
    )]
    {
        eprintln!("the function failed: {error}");
    }
    let body = Bytes::from_static(b"{\"message\":\"Internal Server Error\"}");
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn invoke(
    functions: &Functions,
    path: &str,
    event: &str,
    request_id: String,
) -> Result<Value, Error> {
    // On AWS each service has its own host.
    let path = percent_decode_str(path)
        .decode_utf8_lossy()
        .to_ascii_lowercase();
    if path.trim_start_matches('/').starts_with("webservices/") {
        lambda::invoke(&functions.reset_user_password, event, request_id).await
    } else {
        lambda::invoke(
            &functions.update_user_registration_password,
            event,
            request_id,
        )
        .await
    }
}

/// Makes the event of a request (API Gateway developer guide, "Create AWS Lambda proxy integrations
/// for HTTP APIs", payload format 2.0).
fn event(request: &Request<Bytes>, peer: SocketAddr, request_id: &str) -> Value {
    let header = |name: HeaderName| text(request.headers().get(name));
    let now = Clock::system().now();
    let (body, is_base64_encoded) = body(request);
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.uri().path(),
        "rawQueryString": request.uri().query().unwrap_or_default(),
        "headers": headers(request.headers(), peer),
        "cookies": cookies(request.headers()),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "local",
            "http": {
                "method": request.method().as_str(),
                "path": request.uri().path(),
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": header(header::USER_AGENT),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": now.rfc3339(),
            "timeEpoch": now.0 * 1_000,
        },
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

/// The body, if there is one, and whether it is encoded in base64.
fn body(request: &Request<Bytes>) -> (Option<String>, bool) {
    let bytes = request.body();
    let content_type = text(request.headers().get(header::CONTENT_TYPE));
    match std::str::from_utf8(bytes) {
        _ if bytes.is_empty() => (None, false),
        Ok(text) if is_text(&content_type) => (Some(text.to_owned()), false),
        _ => (Some(BASE64_STANDARD.encode(bytes)), true),
    }
}

/// The headers, with names in lower case and several values joined by a comma, and those that the
/// gateway adds.
fn headers(headers: &HeaderMap, peer: SocketAddr) -> Map<String, Value> {
    let mut joined = Map::new();
    for name in headers.keys().filter(|name| **name != header::COOKIE) {
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| text(Some(value)))
            .collect();
        joined.insert(name.as_str().to_owned(), values.join(",").into());
    }
    joined.insert("x-forwarded-proto".to_owned(), "http".into());
    let forwarded_for = match headers.get("x-forwarded-for") {
        Some(before) => format!("{}, {}", text(Some(before)), peer.ip()),
        None => peer.ip().to_string(),
    };
    joined.insert("x-forwarded-for".to_owned(), forwarded_for.into());
    joined
}

/// The cookies, which are not among the headers.
fn cookies(headers: &HeaderMap) -> Vec<String> {
    let fields = headers.get_all(header::COOKIE).iter();
    let fields: Vec<_> = fields.map(|field| text(Some(field))).collect();
    let cookies = fields.iter().flat_map(|field| field.split(';'));
    cookies.map(|cookie| cookie.trim().to_owned()).collect()
}

fn text(value: Option<&HeaderValue>) -> String {
    value
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

/// Whether the gateway passes on a body of this type unchanged. It encodes all others in base64.
fn is_text(content_type: &str) -> bool {
    let base = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    base.starts_with("text/")
        || [
            "application/json",
            "application/xml",
            "application/javascript",
        ]
        .contains(&&*base)
}

fn response(result: &Value) -> Option<Response<Bytes>> {
    let status = result.get("statusCode")?.as_u64()?;
    let body = result
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_base64 = result.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
    let body = if is_base64 {
        BASE64_STANDARD.decode(body).ok()?
    } else {
        body.into()
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let headers = response.headers_mut();
    for (name, value) in result.get("headers").and_then(Value::as_object)? {
        let name = name.parse::<HeaderName>().ok()?;
        headers.append(name, value.as_str()?.parse().ok()?);
    }
    let cookies = result.get("cookies").and_then(Value::as_array);
    for cookie in cookies.into_iter().flatten() {
        headers.append(header::SET_COOKIE, cookie.as_str()?.parse().ok()?);
    }
    Some(response)
}

/// Starts listening for SIGINT (Ctrl-C) and SIGTERM. The future resolves when either arrives.
pub fn interrupted() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
