//! What the functions' start is measured against: the clients they make, and nothing else of ours.
//! An example of this package, so that it is built with the same profile and the same features.

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
