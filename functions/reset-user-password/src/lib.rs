//! `ResetUserPassword` of the retired `IFCommonService.asmx`: SOAP 1.1, SOAP 1.2, HTTP GET and
//! HTTP POST in, one answer out, whoever is asked for.

pub mod asmx;
mod config;
mod deadline;
mod feedback;
pub mod operation;
mod self_test;
mod sweep;

use std::time::Duration;

use futures_util::future::BoxFuture;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http::Response;
use lambda_http::lambda_runtime::Error;
use password::Hasher;
use serde_json::{Value, json};
use shared::aws::Clients;
use shared::clock::Clock;
use shared::lambda::{Answer, Event, Handler, Request};
use shared::pace::Pace;

use asmx::{Binding, Protocols, Route};
use operation::{Accepted, Caller, ResetUserPassword};

pub use config::Config;

/// The function.
#[derive(Debug)]
pub struct Service {
    operation: ResetUserPassword,
    response_floor: Duration,
    protocols: Protocols,
    self_test_username: String,
    clock: Clock,
}

impl Service {
    /// The function with this configuration, this hasher, these clients and this clock.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients, clock: Clock) -> Self {
        Self {
            response_floor: config.shared.response_floor,
            protocols: config.protocols,
            self_test_username: config.self_test_username.clone(),
            operation: ResetUserPassword::new(config, hasher, clients),
            clock,
        }
    }

    async fn call(&self, binding: Binding, request: &Request) -> Answer {
        let pace = Pace::begin(self.response_floor);
        let call = match asmx::decode(self.protocols, binding, request) {
            Ok(call) => call,
            Err(rejection) => {
                return Answer {
                    response: rejection.encode(),
                    binding: Some(binding.name()),
                    outcome: None,
                };
            }
        };
        let caller = Caller {
            source: &request.source,
            request_id: &request.request_id,
            actor: None,
        };
        let mut rng = UnwrapErr(SysRng);
        let result = self
            .operation
            .execute(&call.input, &caller, &pace, self.clock.now(), &mut rng)
            .await;
        if result.is_ok() {
            pace.wait().await;
        }
        Answer {
            binding: Some(call.binding.name()),
            outcome: result.as_ref().ok().copied(),
            response: asmx::encode(call.binding, &result.map(|_| Accepted)),
        }
    }

    async fn sweep(&self, request_id: &str) -> Result<Value, Error> {
        let mut rng = UnwrapErr(SysRng);
        let now = self.clock.now();
        let sweep = self.operation.sweep(request_id, now, &mut rng).await?;
        Ok(json!({
            "function": "ResetUserPassword",
            "configuration": "ok",
            "dynamodb": "ok",
            "sweep": sweep,
        }))
    }
}

impl Handler for Service {
    fn init(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.operation.connect())
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            match asmx::route(self.protocols, &request) {
                Route::Call(binding) => self.call(binding, &request).await,
                Route::Page(page) => page.encode(self.protocols, &request).into(),
                Route::Rejected(rejection) => rejection.encode().into(),
            }
        })
    }

    fn fault(&self, request: &Request) -> Response<String> {
        asmx::server_fault(request)
    }

    fn on_event<'a>(
        &'a self,
        event: &'a Event,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Value, Error>> {
        Box::pin(async move {
            match (event.kind.as_str(), event.task()) {
                (Event::SCHEDULED, None) => self.sweep(request_id).await,
                (Event::SCHEDULED, Some("self-test")) => self.self_test(request_id).await,
                _ => {
                    let note = self.operation.note(event, request_id, self.clock.now());
                    note.await.unwrap_or_else(|| Err(Event::UNKNOWN.into()))
                }
            }
        })
    }
}
