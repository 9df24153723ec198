//! `cargo run -p local`

use std::path::PathBuf;

use clap::Parser;
use local::{Backend, BackendError, Functions, Storage, gateway};
use shared::clock::Clock;
use shared::config::Variables;
use tokio::net::TcpListener;

/// Both password services on this machine, without an AWS account.
///
/// The environment variables of the functions work here too.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port to serve on; 0 picks one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Where the tables are kept between runs
    #[arg(long, default_value = ".local", value_name = "DIRECTORY")]
    data_dir: PathBuf,
    /// Keep nothing between runs
    #[arg(long, conflicts_with = "data_dir")]
    memory: bool,
    /// Use a DynamoDB that already runs
    #[arg(long, value_name = "URL", conflicts_with_all = ["data_dir", "memory"])]
    dynamodb: Option<String>,
}

impl Arguments {
    fn storage(self) -> Storage {
        match self {
            Self {
                dynamodb: Some(url),
                ..
            } => Storage::Running(url),
            Self { memory: true, .. } => Storage::Memory,
            Self { data_dir, .. } => Storage::Directory(data_dir),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BackendError> {
    let arguments = Arguments::parse();
    lambda_http::tracing::init_default_subscriber_with_writer(std::io::stderr);
    let listener = TcpListener::bind(("127.0.0.1", arguments.port))
        .await
        .map_err(|error| format!("port {}: {error}", arguments.port))?;
    let url = format!("http://{}", listener.local_addr()?);

    let backend = Backend::start(arguments.storage()).await?;
    let lookup = |name: &str| {
        let own = || (name == "LOGIN_URL").then(|| format!("{url}/"));
        Variables::of_process()
            .optional(name)
            .or_else(own)
            .or_else(|| local::default_variable(name))
    };
    let functions = Functions::new(&backend, Variables::new(&lookup), &Clock::system())?;
    greet(&url, &backend);
    gateway::serve(listener, functions, backend.outbox, gateway::interrupted()).await?;
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "this is a program for a developer's terminal"
)]
fn greet(url: &str, backend: &Backend) {
    println!(
        r#"DynamoDB on {dynamodb}, SES on {ses}

Reset the password of jdoe, then read the mail at {url}/outbox
  curl '{url}/webservices/IFCommonService.asmx/ResetUserPassword?username=jdoe'

Set the password of the customer with this address, as an administrator
  curl -u admin:p@55wOrd -H 'Content-Type: application/json' -d '{{"Email":"a@example.com","NewPassword":"lamp-Sodium-4417","SendResetEmail":true}}' {url}/UpdateUserRegistrationPassword

ready on {url}"#,
        dynamodb = backend.dynamodb_url,
        ses = backend.ses_url,
    );
}
