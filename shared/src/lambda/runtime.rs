//! The loop of the Lambda Runtime API.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use lambda_http::lambda_runtime::{self, Error, LambdaEvent, service_fn};
use lambda_http::request::LambdaRequest;
use serde_json::Value;

use super::handler::Handler;
use super::invocation::{Invocation, answer};
use crate::telemetry;

/// Polls after which `lambda_runtime` has asked for the first event. Work in [`Handler::init`]
/// before that would delay the request for it.
const POLLS_BEFORE_INIT: usize = 16;

/// Serves the Lambda Runtime API until the process is stopped; prints a line of metrics for every
/// invocation. One thread is enough: an execution environment gets one request at a time, and only
/// the hash needs another.
///
/// The first event is asked for while [`Handler::init`] runs, and waits for its end.
pub fn run(handler: Arc<dyn Handler>) -> Result<(), Error> {
    telemetry::log_panics();
    let starting = Arc::clone(&handler);
    let ready = async move {
        for _ in 0..POLLS_BEFORE_INIT {
            tokio::task::yield_now().await;
        }
        starting.init().await;
    };
    let ready = ready.boxed().shared();
    let starting = ready.clone();
    let is_first = AtomicBool::new(true);
    let service = service_fn(move |event: LambdaEvent<LambdaRequest>| {
        let (handler, ready) = (Arc::clone(&handler), ready.clone());
        let invocation = Invocation {
            function: event.context.env_config.function_name.clone(),
            request_id: event.context.request_id.clone(),
            is_cold_start: is_first.swap(false, Ordering::Relaxed),
            emit: print,
        };
        async move {
            ready.await;
            answer(handler, invocation, event).await
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

/// Metrics that cannot be written are no reason to fail a request.
fn print(metrics: &Value) {
    let _ = writeln!(std::io::stdout(), "{metrics}");
}
