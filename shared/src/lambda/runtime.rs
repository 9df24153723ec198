//! The main loop, which polls the Lambda Runtime API.

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

/// The number of polls after which `lambda_runtime` has requested the first event. If
/// [`Handler::init`] did its work earlier, it would delay that request.
const POLLS_BEFORE_INIT: usize = 16;

/// Handles invocations from the Lambda Runtime API until the process is stopped, and prints a line
/// of metrics for every invocation. One thread is enough, because an execution environment handles
/// one event at a time; only hashing uses another thread.
///
/// Requests the first event while [`Handler::init`] runs, and handles it when `init` has ended.
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

/// Prints metrics. A failure to write them must not fail the request.
fn print(metrics: &Value) {
    // In one call, because standard output looks for a line break in each part that it gets.
    let line = format!("{metrics}\n");
    let _ = std::io::stdout().write_all(line.as_bytes());
}
