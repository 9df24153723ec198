//! The baseline for the startup time of the functions: only the same SDK clients. It is a package
//! without other dependencies, so that it is built with the profile and features of the functions.

use lambda_http::{Error, Request, service_fn};
use shared::aws::{AwsConfig, Clients};
use shared::config::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let clients = Clients::new(AwsConfig::read(Env::of_process())?)?;
    let handler = async |_: Request| {
        std::hint::black_box(&clients);
        Ok::<_, Error>("")
    };
    lambda_http::run(service_fn(handler)).await
}
