//! `ResetUserPassword` of the old `IFCommonService.asmx`, over SOAP 1.1, SOAP 1.2, HTTP GET and
//! HTTP POST. The answer is the same for every name.

pub mod asmx;
mod config;
pub mod delivery;
mod feedback;
pub mod operation;
mod pace;
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
use shared::aws::{self, Clients};
use shared::clock::Clock;
use shared::context::RequestContext;
use shared::front_door::FrontDoor;
use shared::lambda::{Answer, Event, Handler, Request};
use shared::password_service::PasswordService;
use shared::response_floor::ResponseFloor;

use asmx::{Binding, Protocols, Route};
use delivery::ResetOutcome;
use operation::{Accepted, ResetUserPassword};
use pace::Pace;
use sweep::Sweep;

pub use config::Config;

/// The function.
#[derive(Debug)]
pub struct Service {
    operation: ResetUserPassword,
    response_floor: Duration,
    front_door: FrontDoor,
    protocols: Protocols,
    self_test_username: String,
    mail_rate: u32,
    clock: Clock,
}

/// The response to a call, and its actual outcome.
struct Called {
    response: Response<String>,
    binding: Binding,
    /// `None` if the operation did not run.
    outcome: Option<ResetOutcome>,
}

impl From<Called> for Answer {
    fn from(called: Called) -> Self {
        Self {
            response: called.response,
            binding: Some(called.binding.name()),
            outcome: called.outcome.as_ref().map(ResetOutcome::event),
        }
    }
}

impl Service {
    /// Makes the function.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients, clock: Clock) -> Self {
        let passwords = PasswordService::new(hasher, UnwrapErr(SysRng));
        Self {
            response_floor: config.shared.response_floor,
            front_door: config.shared.front_door.clone(),
            protocols: config.protocols,
            self_test_username: config.self_test_username.clone(),
            mail_rate: config.mail_rate,
            operation: ResetUserPassword::new(config, passwords, clients),
            clock,
        }
    }

    async fn call(&self, binding: Binding, request: &Request) -> Called {
        let floor = ResponseFloor::begin(self.response_floor);
        let call = match asmx::decode(self.protocols, binding, request) {
            Ok(call) => call,
            Err(rejection) => {
                return Called {
                    response: rejection.encode(),
                    binding,
                    outcome: None,
                };
            }
        };
        let ctx = RequestContext {
            request_id: &request.request_id,
            source: &request.source,
            actor: None,
            requester: None,
            now: self.clock.now(),
        };
        let result = self.operation.execute(&call.input, &ctx, &floor).await;
        if result.is_ok() {
            floor.wait().await;
        }
        Called {
            binding: call.binding,
            outcome: result.as_ref().ok().cloned(),
            response: asmx::encode(call.binding, &result.map(|_| Accepted)),
        }
    }

    async fn sweep(&self, request_id: &str) -> Result<Value, Error> {
        let sweep = Sweep {
            operation: &self.operation,
            clock: &self.clock,
            id: request_id,
            pace: Pace::begin(self.mail_rate),
        };
        Ok(json!({
            "function": "ResetUserPassword",
            "configuration": "ok",
            "dynamodb": "ok",
            "sweep": sweep.run().await?,
        }))
    }
}

impl Handler for Service {
    fn init(&self) -> BoxFuture<'_, ()> {
        let delivery = &self.operation.delivery;
        Box::pin(aws::connect(
            delivery.users.check(),
            delivery.mailer.connect(),
        ))
    }

    fn front_door(&self) -> &FrontDoor {
        &self.front_door
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            match asmx::route(self.protocols, &request) {
                Route::Call(binding) => self.call(binding, &request).await.into(),
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
                    let (delivery, now) = (&self.operation.delivery, self.clock.now());
                    match feedback::handle_feedback(delivery, event, request_id, now).await {
                        Some(handled) => Ok(handled?),
                        None => Err(Event::UNKNOWN.into()),
                    }
                }
            }
        })
    }
}
