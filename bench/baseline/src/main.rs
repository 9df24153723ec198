//! What the start of the functions is measured against: the same SDK clients, and nothing else.
//! A package that needs nothing the functions do not, so that it has their profile and features.

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
