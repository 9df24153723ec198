//! A relay in front of DynamoDB that requests the consumed capacity units in every request, and
//! records them together with the time that DynamoDB took.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;

use super::Error;

/// A relay that measures requests.
pub(super) struct Meter {
    /// Its URL.
    pub(super) url: String,
    relay: Arc<Relay>,
}

struct Relay {
    dynamodb_url: String,
    client: Client<HttpConnector, Body>,
    calls: Mutex<Vec<Call>>,
}

/// One request to DynamoDB.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The operation, for example `Query`.
    pub(super) operation: String,
    /// Capacity units by table.
    pub(super) consumed: Vec<(String, f64)>,
    /// The time until DynamoDB's answer was complete.
    pub(super) took: Duration,
}

impl Call {
    pub(super) fn units(&self) -> f64 {
        self.consumed.iter().map(|(_, units)| units).sum()
    }
}

impl Meter {
    /// Starts a relay in front of this DynamoDB.
    pub(super) async fn start(dynamodb_url: &str) -> Result<Self, Error> {
        let relay = Arc::new(Relay {
            dynamodb_url: dynamodb_url.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            calls: Mutex::default(),
        });
        let router = Router::new()
            .fallback(forward)
            .with_state(Arc::clone(&relay));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, relay })
    }

    /// Takes the requests since this was last called, in the order of their answers.
    pub(super) fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.relay.calls())
    }
}

impl Relay {
    fn calls(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn forward(&self, request: Request<Body>) -> Result<Response, Error> {
        let (mut parts, body) = request.into_parts();
        let target = parts.headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        let operation = target.and_then(|target| target.split('.').next_back());
        let operation = operation.unwrap_or_default().to_owned();
        let body = with_capacity(&to_bytes(body, usize::MAX).await?)?;
        parts.uri = format!("{}{}", self.dynamodb_url, parts.uri.path()).parse()?;
        parts.headers.remove(header::CONTENT_LENGTH);
        let began = Instant::now();
        let answer = self.client.request(Request::from_parts(parts, body.into()));
        let (parts, body) = answer.await?.into_parts();
        let body = to_bytes(Body::new(body), usize::MAX).await?;
        let took = began.elapsed();
        self.calls().push(Call {
            operation,
            consumed: consumed(&serde_json::from_slice(&body)?).unwrap_or_default(),
            took,
        });
        Ok(Response::from_parts(parts, body.into()))
    }
}

async fn forward(State(relay): State<Arc<Relay>>, request: Request<Body>) -> Response {
    relay.forward(request).await.unwrap_or_else(|error| {
        let mut response = Response::new(Body::from(error.to_string()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    })
}

/// Adds a request for the consumed capacity units to the body of a request.
fn with_capacity(body: &[u8]) -> Result<String, Error> {
    let mut body: Value = serde_json::from_slice(body)?;
    let members = body.as_object_mut().ok_or("the request is not an object")?;
    members.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
    Ok(body.to_string())
}

/// The consumed capacity units in an answer, for one table or several in the order of their names:
/// the database names them in any order.
fn consumed(answer: &Value) -> Option<Vec<(String, f64)>> {
    let capacity = answer.get("ConsumedCapacity")?;
    let tables = capacity.as_array().map(Vec::as_slice);
    let tables = tables.unwrap_or(std::slice::from_ref(capacity)).iter();
    let consumed = tables.map(|table| {
        let name = table.get("TableName")?.as_str()?.to_owned();
        Some((name, table.get("CapacityUnits")?.as_f64()?))
    });
    let mut consumed = consumed.collect::<Option<Vec<_>>>()?;
    consumed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Some(consumed)
}
