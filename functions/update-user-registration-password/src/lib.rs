//! `UpdateUserRegistrationPassword` of the old "Registrar Web Services", in ServiceStack 4's
//! formats: an administrator sets the password of a customer.

pub mod authenticate;
pub mod authentication;
pub mod caller;
mod config;
mod credential_cache;
pub mod error;
pub mod operation;
pub mod servicestack;

use std::sync::Arc;
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
use shared::sessions::Sessions;

use authenticate::{Authenticate, Authenticated};
use authentication::Authenticator;
use caller::Callers;
use error::Error as OperationError;
use operation::{Outcome, UpdateUserRegistrationPassword};
use servicestack::{Endpoint, Rejection, Reply, ResponseDto, ResponseFormat, Route, cookies};

pub use config::Config;

/// The function.
#[derive(Debug)]
pub struct Service {
    operation: UpdateUserRegistrationPassword,
    /// `None` if sessions are disabled.
    authenticate: Option<Authenticate>,
    response_floor: Duration,
    front_door: FrontDoor,
    clock: Clock,
}

/// A reply, and the name of its log event.
type Replied<T> = Result<(Reply<T>, &'static str), Rejection>;

impl Service {
    /// Makes the function.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients, clock: Clock) -> Self {
        let passwords = PasswordService::new(hasher, UnwrapErr(SysRng));
        let rng = &mut UnwrapErr(SysRng);
        let authenticator = Authenticator::new(&config, passwords.clone(), &clients, rng);
        let sessions = config.sessions.clone().map(|sessions| {
            let table = Sessions::new(clients.dynamodb.clone(), sessions.table, UnwrapErr(SysRng));
            (table, sessions.hours)
        });
        let table = sessions.as_ref().map(|(table, _)| table.clone());
        let callers = Arc::new(Callers::new(authenticator, table));
        Self {
            authenticate: sessions
                .map(|(table, hours)| Authenticate::new(Arc::clone(&callers), table, hours)),
            response_floor: config.shared.response_floor,
            front_door: config.shared.front_door.clone(),
            operation: UpdateUserRegistrationPassword::new(config, passwords, clients, callers),
            clock,
        }
    }

    /// Sets a password. Checks that there is a credential and reads the body before it verifies the
    /// password, which is the slow part.
    async fn set_password(&self, endpoint: Endpoint, request: &Request) -> Replied<Outcome> {
        let floor = ResponseFloor::begin(self.response_floor);
        let credential = servicestack::credential(request, self.authenticate.is_some())?;
        let input = servicestack::decode(endpoint, request)?;
        let ctx = self.context(request);
        let result = self
            .operation
            .execute(&credential, &input, &ctx, &floor)
            .await;
        let outcome = result
            .as_ref()
            .map_or_else(OperationError::event, |_| Outcome::EVENT);
        Ok((Reply::from(result), outcome))
    }

    async fn authenticate(
        &self,
        (endpoint, provider): (Endpoint, Option<&str>),
        request: &Request,
    ) -> Replied<Authenticated> {
        let floor = ResponseFloor::begin(self.response_floor);
        let call = servicestack::authenticate(endpoint, provider, request)?;
        let operation = self.authenticate.as_ref().ok_or(Rejection::NotFound)?;
        let ctx = self.context(request);
        let result = operation.execute(&call, &ctx, &floor).await;
        let event = result
            .as_ref()
            .map_or_else(authenticate::error_event, Authenticated::event);
        let cookies = result.as_ref().map(|done| cookies(done, request, ctx.now));
        let cookies = cookies.unwrap_or_default();
        Ok((Reply::from(result).with_headers(cookies), event))
    }

    fn context<'a>(&self, request: &'a Request) -> RequestContext<'a> {
        RequestContext {
            request_id: &request.request_id,
            source: &request.source,
            actor: None,
            requester: None,
            now: self.clock.now(),
        }
    }

    fn route(&self, request: &Request) -> Route {
        servicestack::route(request, self.authenticate.is_some())
    }
}

fn answer<T: ResponseDto>(replied: Replied<T>, format: &ResponseFormat) -> Answer {
    let (reply, outcome) = match replied {
        Ok((reply, outcome)) => (reply, Some(outcome)),
        Err(rejection) => (Reply::from(rejection), None),
    };
    Answer {
        response: reply.encode(format),
        binding: Some(format.name()),
        outcome,
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
            let route = self.route(&request);
            let format = route.response_format(&request);
            match route {
                Route::Call(endpoint) => {
                    answer(self.set_password(endpoint, &request).await, &format)
                }
                Route::Authenticate { endpoint, provider } => {
                    let provider = provider.as_deref();
                    let replied = self.authenticate((endpoint, provider), &request).await;
                    answer(replied, &format)
                }
                Route::Page(page) => page.encode(&request).into(),
                Route::Rejected(rejection) => {
                    Reply::<Outcome>::from(rejection).encode(&format).into()
                }
            }
        })
    }

    fn fault(&self, request: &Request) -> Response<String> {
        let route = self.route(request);
        let format = route.response_format(request);
        match route {
            Route::Authenticate { .. } => servicestack::server_fault::<Authenticated>(&format),
            _ => servicestack::server_fault::<Outcome>(&format),
        }
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
