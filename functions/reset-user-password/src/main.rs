//! The Lambda binary: wiring only.

use lambda_http::lambda_runtime::Error;
use reset_user_password::{Config, Service};
use shared::aws::{Access, Clients};
use shared::clock::Clock;
use shared::config::Variables;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init(Variables::of_process(), std::io::stdout)?;
    let config = Config::read(Variables::of_process())?;
    let clients = Clients::new(Access::read(Variables::of_process())?);
    shared::lambda::run(Service::new(config, clients, Clock::system())).await
}
