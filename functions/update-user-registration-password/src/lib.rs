//! `UpdateUserRegistrationPassword` of the retired "Registrar Web Services": an administrator sets
//! the password of a customer, in ServiceStack 4's formats.

mod authentication;
mod config;
mod credential_cache;
pub mod error;
pub mod operation;
pub mod servicestack;

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

use error::Error as OperationError;
use operation::{Outcome, UpdateUserRegistrationPassword};
use servicestack::{Endpoint, Rejection, Reply, Route};

pub use config::Config;

/// The function.
#[derive(Debug)]
pub struct Service {
    operation: UpdateUserRegistrationPassword,
    response_floor: Duration,
    front_door: FrontDoor,
    clock: Clock,
}

impl Service {
    /// The function with this configuration, this hasher, these clients and this clock.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients, clock: Clock) -> Self {
        let passwords = PasswordService::new(hasher, UnwrapErr(SysRng));
        Self {
            response_floor: config.shared.response_floor,
            front_door: config.shared.front_door.clone(),
            operation: UpdateUserRegistrationPassword::new(
                config,
                passwords,
                clients,
                &mut UnwrapErr(SysRng),
            ),
            clock,
        }
    }

    /// A request without a credential costs nothing, and a body is read before a password is
    /// verified, which is what takes the time.
    async fn call(
        &self,
        endpoint: Endpoint,
        request: &Request,
    ) -> Result<(Reply, &'static str), Rejection> {
        let floor = ResponseFloor::begin(self.response_floor);
        let credential = servicestack::credential(request)?;
        let input = servicestack::decode(endpoint, request)?;
        let ctx = RequestContext {
            request_id: &request.request_id,
            source: &request.source,
            actor: None,
            requester: None,
            now: self.clock.now(),
        };
        let result = self
            .operation
            .execute(&credential, &input, &ctx, &floor)
            .await;
        let outcome = result
            .as_ref()
            .map_or_else(OperationError::event, |_| Outcome::EVENT);
        Ok((Reply::from(result), outcome))
    }
}

impl Handler for Service {
    fn init(&self) -> BoxFuture<'_, ()> {
        let operation = &self.operation;
        Box::pin(aws::connect(
            operation.users.check(),
            operation.mailer.connect(),
        ))
    }

    fn front_door(&self) -> &FrontDoor {
        &self.front_door
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let route = servicestack::route(&request);
            let format = route.response_format(&request);
            match route {
                Route::Call(endpoint) => {
                    let (reply, outcome) = match self.call(endpoint, &request).await {
                        Ok((reply, outcome)) => (reply, Some(outcome)),
                        Err(rejection) => (Reply::from(rejection), None),
                    };
                    Answer {
                        response: reply.encode(&format),
                        binding: Some(format.name()),
                        outcome,
                    }
                }
                Route::Page(page) => page.encode(&request).into(),
                Route::Rejected(rejection) => Reply::from(rejection).encode(&format).into(),
            }
        })
    }

    fn fault(&self, request: &Request) -> Response<String> {
        let route = servicestack::route(request);
        servicestack::server_fault(&route.response_format(request))
    }

    fn on_event<'a>(&'a self, event: &'a Event, _: &'a str) -> BoxFuture<'a, Result<Value, Error>> {
        Box::pin(async move {
            match event.kind.as_str() {
                Event::SCHEDULED => {
                    self.operation.users.check().await?;
                    Ok(json!({
                        "function": "UpdateUserRegistrationPassword",
                        "configuration": "ok",
                        "dynamodb": "ok",
                    }))
                }
                _ => Err(Event::UNKNOWN.into()),
            }
        })
    }
}
