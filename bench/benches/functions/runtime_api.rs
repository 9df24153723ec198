//! The service side of the Lambda Runtime API.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};

use super::Error;

/// The API, for one function process.
pub(super) struct RuntimeApi {
    /// Host and port.
    pub(super) address: String,
    shared: Arc<Shared>,
    events: mpsc::Sender<(String, String)>,
}

struct Shared {
    next: Mutex<mpsc::Receiver<(String, String)>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Result<String, String>>>>,
    ready: Notify,
}

impl RuntimeApi {
    pub(super) async fn start() -> Result<Self, Error> {
        let (events, next) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            next: Mutex::new(next),
            waiting: Mutex::default(),
            ready: Notify::new(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            address,
            shared,
            events,
        })
    }

    /// Resolves when the process requests its first event.
    pub(super) async fn wait_until_ready(&self) {
        self.shared.ready.notified().await;
    }

    /// Sends an event, and returns its result. Fails on an error.
    pub(super) async fn invoke(&self, event: &str) -> Result<String, Error> {
        let id = uuid::Uuid::new_v4().to_string();
        let result = self.result(id, event).await??;
        let response: Value = serde_json::from_str(&result)?;
        if response.get("statusCode") == Some(&Value::from(200)) {
            Ok(result)
        } else {
            Err(format!("the function answered {result}").into())
        }
    }

    /// Sends the event of an invocation, and returns its result or the error that the process
    /// reports.
    pub(super) async fn result(
        &self,
        id: String,
        event: &str,
    ) -> Result<Result<String, String>, Error> {
        let (sender, receiver) = oneshot::channel();
        self.shared.waiting.lock().await.insert(id.clone(), sender);
        self.events.send((id, event.to_owned())).await?;
        Ok(receiver.await?)
    }
}

async fn next_invocation(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.ready.notify_one();
    let Some((id, event)) = shared.next.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", "9999999999999".to_owned()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:1:function:b".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: String,
) -> StatusCode {
    finish(&shared, &id, Ok(body)).await
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: String,
) -> StatusCode {
    finish(&shared, &id, Err(body)).await
}

async fn finish(shared: &Shared, id: &str, result: Result<String, String>) -> StatusCode {
    match shared
        .waiting
        .lock()
        .await
        .remove(id)
        .map(|sender| sender.send(result))
    {
        Some(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::NOT_FOUND,
    }
}
