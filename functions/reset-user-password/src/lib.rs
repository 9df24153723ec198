//! `ResetUserPassword` of the retired `IFCommonService.asmx`: SOAP 1.1, SOAP 1.2, HTTP GET and
//! HTTP POST in, one answer out, whoever is asked for.

pub mod asmx;
pub mod operation;
mod sweep;

use std::time::Duration;

use futures_util::future::BoxFuture;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http::Response;
use lambda_http::lambda_runtime::Error;
use serde_json::{Value, json};
use shared::aws::Clients;
use shared::clock::Clock;
use shared::config::{ConfigError, Variables};
use shared::lambda::{Function, Request};
use tokio::time::Instant;

use asmx::{Binding, Endpoint, Protocols};
use operation::{Caller, ResetUserPassword};

/// What the function is told by its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// What both functions are told.
    pub shared: shared::config::Config,
    /// `RESPONSE_FLOOR_MS`: answers come at multiples of this time, 500 ms by default; 0 for at
    /// once.
    pub response_floor: Duration,
    /// `TEMPORARY_PASSWORD_HOURS`: how long a mailed password can be used, 24 by default, which is
    /// the most NIST SP 800-63B-4 section 4.2.1.2 allows for a secret sent by e-mail.
    pub temporary_password_hours: u64,
    /// `RESET_PER_MINUTE`: resets of one name in any minute, 1 by default; 0 for any number.
    pub reset_per_minute: u32,
    /// `RESET_PER_HOUR`: resets of one name in any hour, 5 by default; 0 for any number.
    pub reset_per_hour: u32,
    /// `SOURCE_PER_MINUTE`: resets from one address in any minute, 60 by default; 0 for any number.
    pub source_per_minute: u32,
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
        let floor_ms = variables.number("RESPONSE_FLOOR_MS", 500)?;
        if floor_ms > 5_000 {
            return Err(ConfigError::invalid(
                "RESPONSE_FLOOR_MS",
                "must be 0 to 5000",
            ));
        }
        let protocols = match variables.optional("ASMX_PROTOCOLS") {
            None => Protocols::ALL,
            Some(names) => names
                .parse()
                .map_err(|error| ConfigError::invalid("ASMX_PROTOCOLS", error))?,
        };
        Ok(Self {
            shared: shared::config::Config::read(variables)?,
            response_floor: Duration::from_millis(floor_ms),
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
    clock: Clock,
}

impl Service {
    /// The function with this configuration, these clients and this clock.
    #[must_use]
    pub fn new(config: Config, clients: Clients, clock: Clock) -> Self {
        let (response_floor, protocols) = (config.response_floor, config.protocols);
        let operation = ResetUserPassword::new(config, clients);
        Self {
            operation,
            response_floor,
            protocols,
            clock,
        }
    }

    async fn call(&self, binding: Binding, request: &Request) -> Response<String> {
        let began = Instant::now();
        let call = match asmx::decode(self.protocols, binding, request) {
            Ok(call) => call,
            Err(rejection) => return rejection.encode(),
        };
        let caller = Caller {
            source: &request.source,
            request_id: &request.request_id,
            actor: None,
        };
        let mut rng = UnwrapErr(SysRng);
        let result = self
            .operation
            .execute(&call.input, &caller, self.clock.now(), &mut rng)
            .await;
        if result.is_ok() {
            let wait = next_multiple(self.response_floor, began.elapsed());
            tokio::time::sleep_until(began + wait).await;
        }
        asmx::encode(call.binding, &result)
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

    fn on_schedule<'a>(&'a self, request_id: &'a str) -> BoxFuture<'a, Result<Value, Error>> {
        Box::pin(async move {
            let mut rng = UnwrapErr(SysRng);
            let now = self.clock.now();
            let sweep = self.operation.sweep(request_id, now, &mut rng).await?;
            Ok(json!({
                "function": "ResetUserPassword",
                "configuration": "ok",
                "dynamodb": "ok",
                "sweep": sweep,
            }))
        })
    }
}

/// The first multiple of `floor` that is not over yet. What takes longer than one floor is answered
/// at the second, so that its exact duration stays unknown too.
fn next_multiple(floor: Duration, elapsed: Duration) -> Duration {
    if floor.is_zero() {
        return floor;
    }
    let floors = elapsed.as_nanos().div_ceil(floor.as_nanos()).max(1);
    floor.saturating_mul(u32::try_from(floors).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_wait_for_the_next_multiple_of_the_floor() {
        let ms = Duration::from_millis;
        for (took, until) in [(0, 500), (1, 500), (500, 500), (501, 1000), (1200, 1500)] {
            assert_eq!(next_multiple(ms(500), ms(took)), ms(until), "{took}");
        }
        assert_eq!(next_multiple(Duration::ZERO, ms(7)), Duration::ZERO);
    }
}
