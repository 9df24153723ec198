//! `ResetUserPassword` of the retired `IFCommonService.asmx`: SOAP 1.1, SOAP 1.2, HTTP GET and
//! HTTP POST in, one answer out, whoever is asked for.

pub mod asmx;
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
use shared::config::{ConfigError, Variables};
use shared::lambda::{Event, Function, Request};
use shared::metrics;
use shared::pace::Pace;

use asmx::{Binding, Endpoint, Protocols};
use operation::{Caller, ResetUserPassword};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// What both functions are told.
    pub shared: shared::config::Config,
    /// `TEMPORARY_PASSWORD_HOURS`: how long a mailed password can be used, 24 by default, which is
    /// the most NIST SP 800-63B-4 section 4.2.1.2 allows for a secret sent by e-mail.
    pub temporary_password_hours: u64,
    /// `RESET_PER_MINUTE`: resets of one name in any minute, 1 by default; 0 for any number.
    pub reset_per_minute: u32,
    /// `RESET_PER_HOUR`: resets of one name in any hour, 5 by default; 0 for any number.
    pub reset_per_hour: u32,
    /// `SOURCE_PER_MINUTE`: resets from one address in any minute, 60 by default; 0 for any number.
    pub source_per_minute: u32,
    /// `SELF_TEST_USERNAME`: whom the self-test resets, `self-test` by default.
    pub self_test_username: String,
    /// `ASMX_PROTOCOLS`: of `HttpGet,HttpPost,Soap,Soap12,Documentation`, all by default.
    pub protocols: Protocols,
}

impl Config {
    /// Reads and checks all of it.
    pub fn read(variables: Variables<'_>) -> Result<Self, ConfigError> {
        let temporary_password_hours = variables.number("TEMPORARY_PASSWORD_HOURS", 24)?;
        if !(1..=24).contains(&temporary_password_hours) {
            return Err(ConfigError::invalid(
                "TEMPORARY_PASSWORD_HOURS",
                "must be 1 to 24",
            ));
        }
        let protocols = match variables.optional("ASMX_PROTOCOLS") {
            None => Protocols::ALL,
            Some(names) => names
                .parse()
                .map_err(|error| ConfigError::invalid("ASMX_PROTOCOLS", error))?,
        };
        let self_test_username = variables.optional("SELF_TEST_USERNAME");
        Ok(Self {
            shared: shared::config::Config::read(variables)?,
            self_test_username: self_test_username.unwrap_or_else(|| "self-test".to_owned()),
            temporary_password_hours,
            reset_per_minute: variables.limit("RESET_PER_MINUTE", 1)?,
            reset_per_hour: variables.limit("RESET_PER_HOUR", 5)?,
            source_per_minute: variables.limit("SOURCE_PER_MINUTE", 60)?,
            protocols,
        })
    }
}

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

    async fn call(&self, binding: Binding, request: &Request) -> Response<String> {
        let pace = Pace::begin(self.response_floor);
        metrics::binding(binding.name());
        let call = match asmx::decode(self.protocols, binding, request) {
            Ok(call) => call,
            Err(rejection) => return rejection.encode(),
        };
        metrics::binding(call.binding.name());
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
        asmx::encode(call.binding, &result)
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

impl Function for Service {
    fn init(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.operation.connect())
    }

    fn handle(&self, request: Request) -> BoxFuture<'_, Response<String>> {
        Box::pin(async move {
            match asmx::route(self.protocols, &request) {
                Endpoint::Call(binding) => self.call(binding, &request).await,
                Endpoint::Document(document) => document.encode(&request.url()),
                Endpoint::Refused(rejection) => rejection.encode(),
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
