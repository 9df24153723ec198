//! The wire protocol of `ResetUserPassword` behind a plain HTTP server on one thread, to compare it
//! with SOAP servers in other languages. It leaves out API Gateway's JSON events, which the other
//! servers do not have either. There are no tables, so only calls that are answered before a table
//! is read can be measured.
//!
//! The only argument is the port.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mimalloc::MiMalloc;
use password::Hasher;
use reset_user_password::{Config, Service};
use shared::aws::{AwsConfig, Clients};
use shared::clock::Clock;
use shared::config::Env;
use shared::lambda::{self, Handler as _};
use tokio::net::TcpListener;

/// The functions' allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Error = Box<dyn std::error::Error>;

/// The maximum length of a body in bytes, as in API Gateway.
const MAX_PAYLOAD: usize = 10 * 1024 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let port = std::env::args().nth(1).ok_or("the port is missing")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    let service = Arc::new(service()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = Arc::clone(&service);
        let answer = service_fn(move |request| answer(Arc::clone(&service), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        // A client that disconnects early is not an error.
        tokio::spawn(async { drop(connection.await) });
    }
}

/// The function, with SDK clients for an endpoint at which nothing listens.
fn service() -> Result<Service, Error> {
    let env = Env::new(&|name| {
        let value = match name {
            "AWS_REGION" => "us-east-1",
            "AWS_ENDPOINT_URL" => "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "PRODUCT_NAME" => "unused",
            "MAIL_FROM" => "no-reply@example.com",
            "SUPPORT_CONTACT" => "support@example.com",
            "LOGIN_URL" => "https://example.com/",
            table if table.ends_with("_TABLE") => "unused",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let config = Config::read(env)?;
    let hasher = Hasher::new(config.shared.password_cost);
    let clients = Clients::new(AwsConfig::read(env)?)?;
    Ok(Service::new(config, hasher, clients, Clock::system()))
}

async fn answer(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), MAX_PAYLOAD).await else {
        let mut refused = Response::default();
        *refused.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(refused);
    };
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = lambda::Request::new(parts.method, target, parts.headers, body.into());
    Ok(service.handle(request).await.response.map(Body::from))
}
