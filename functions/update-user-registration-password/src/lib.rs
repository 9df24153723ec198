//! `UpdateUserRegistrationPassword` of the retired "Registrar Web Services": an administrator sets
//! the password of a customer, in ServiceStack 4's formats.

pub mod credential_cache;
mod login;
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
use shared::aws::Clients;
use shared::clock::Clock;
use shared::config::{ConfigError, Variables};
use shared::lambda::{Event, Function, Request};
use shared::metrics;
use shared::pace::Pace;

use operation::{Caller, UpdateUserRegistrationPassword};
use servicestack::{Endpoint, Rejection, Reply};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// What both functions are told.
    pub shared: shared::config::Config,
    /// `LOGIN_FAILURES_PER_MINUTE`: failed logins of one name from one address in any minute, 10
    /// by default; 0 for any number.
    pub login_failures_per_minute: u32,
    /// `CREDENTIAL_CACHE_SECONDS`: how long a credential that was verified is not hashed again, 300
    /// by default, which is also the most; 0 for every time.
    pub credential_cache_seconds: u64,
}

impl Config {
    /// Reads and checks all of it.
    pub fn read(variables: Variables<'_>) -> Result<Self, ConfigError> {
        let credential_cache_seconds = variables.number("CREDENTIAL_CACHE_SECONDS", 300)?;
        if credential_cache_seconds > 300 {
            return Err(ConfigError::invalid(
                "CREDENTIAL_CACHE_SECONDS",
                "must be 0 to 300",
            ));
        }
        Ok(Self {
            shared: shared::config::Config::read(variables)?,
            credential_cache_seconds,
            login_failures_per_minute: variables.limit("LOGIN_FAILURES_PER_MINUTE", 10)?,
        })
    }
}

/// The function.
#[derive(Debug)]
pub struct Service {
    operation: UpdateUserRegistrationPassword,
    response_floor: Duration,
    clock: Clock,
}

impl Service {
    /// The function with this configuration, this hasher, these clients and this clock.
    #[must_use]
    pub fn new(config: Config, hasher: Hasher, clients: Clients, clock: Clock) -> Self {
        Self {
            response_floor: config.shared.response_floor,
            operation: UpdateUserRegistrationPassword::new(
                config,
                hasher,
                clients,
                &mut UnwrapErr(SysRng),
            ),
            clock,
        }
    }

    /// A request without a credential costs nothing, and a body is read before a password is
    /// verified, which is what takes the time.
    async fn call(&self, endpoint: Endpoint, request: &Request) -> Result<Reply, Rejection> {
        let pace = Pace::begin(self.response_floor);
        let credential = servicestack::credential(request)?;
        let input = servicestack::decode(endpoint, request)?;
        let caller = Caller {
            source: &request.source,
            request_id: &request.request_id,
        };
        let mut rng = UnwrapErr(SysRng);
        let now = self.clock.now();
        let result = self
            .operation
            .execute(&credential, &input, &caller, &pace, now, &mut rng)
            .await;
        Ok(Reply::from(result))
    }
}

impl Function for Service {
    fn init(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.operation.connect())
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Response<String>> {
        Box::pin(async move {
            let endpoint = match servicestack::route(&request) {
                Ok(endpoint) => endpoint,
                Err(instead) => return instead.encode(&request),
            };
            let reply = self
                .call(endpoint, &request)
                .await
                .unwrap_or_else(Reply::from);
            let format = servicestack::response_format(endpoint, &request);
            metrics::binding(format.format.name());
            reply.encode(&format)
        })
    }

    fn fault(&self, request: &Request) -> Response<String> {
        servicestack::server_fault(request)
    }

    fn on_event<'a>(&'a self, event: &'a Event, _: &'a str) -> BoxFuture<'a, Result<Value, Error>> {
        Box::pin(async move {
            match event.kind.as_str() {
                Event::SCHEDULED => {
                    self.operation.check().await?;
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
