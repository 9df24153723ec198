//! The entry point of the Lambda function.

use std::sync::Arc;

use lambda_http::lambda_runtime::Error;
use mimalloc::MiMalloc;
use password::Hasher;
use shared::aws::{AwsConfig, Clients};
use shared::clock::Clock;
use shared::config::Env;
use update_user_registration_password::{Config, Service};

/// mimalloc puts large blocks on huge pages, which makes hashing a tenth faster.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), Error> {
    shared::telemetry::init(Env::of_process())?;
    let config = Config::read(Env::of_process())?;
    // Its memory is allocated while the clients read certificates, which takes just as long.
    let hasher = Hasher::new(config.shared.password_cost);
    let clients = Clients::new(AwsConfig::read(Env::of_process())?)?;
    let service = Service::new(config, hasher, clients, Clock::system());
    shared::lambda::run(Arc::new(service))
}
