//! The program, which `cargo run -p local` starts.

mod greeting;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use local::tables::TableNames;
use local::{Backend, Configs, Error, Functions, Storage, causes, front_door, gateway, site};
use mimalloc::MiMalloc;
use serde::de::IgnoredAny;
use shared::aws::endpoint_url;
use shared::clock::Clock;
use shared::config::{self, ConfigError, Env};
use shared::lambda;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Both password services on this machine, without an AWS account.
///
/// The environment variables of the functions (docs/configuration.md) work here too, except the
/// URLs of DynamoDB and SES.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port to serve on; 0 picks one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The directory for the tables, which are kept between runs
    #[arg(
        long,
        global = true,
        default_value = ".local",
        value_name = "DIRECTORY"
    )]
    data_dir: PathBuf,
    /// Keep nothing between runs
    #[arg(long, global = true, conflicts_with = "data_dir")]
    memory: bool,
    /// Use the DynamoDB endpoint that is already running at this URL
    #[arg(
        long,
        global = true,
        value_name = "URL",
        value_parser = endpoint_url,
        conflicts_with_all = ["data_dir", "memory"]
    )]
    dynamodb: Option<String>,
    /// Put a local front door, which works like CloudFront, on the port. The gateway listens on
    /// another port, and refuses calls that bypass the front door
    #[arg(long)]
    front_door: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Invoke a function with a Lambda event and print the result
    Invoke {
        /// The function
        function: FunctionName,
        /// A file with the event
        event: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FunctionName {
    ResetUserPassword,
    UpdateUserRegistrationPassword,
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = runtime().map_err(Error::from);
    match result.and_then(|runtime| runtime.block_on(run(arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "this is a program for a terminal")]
            {
                eprintln!("error: {}", causes(&*error));
            }
            ExitCode::FAILURE
        }
    }
}

/// Makes a runtime with one blocking thread per core. These threads hash, and continue with the
/// next hash on memory that is still in the core's cache. More threads would hand the memory to
/// each other and cost about 7 % of the throughput.
fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .max_blocking_threads(std::thread::available_parallelism().map_or(1, usize::from))
        .enable_all()
        .build()
}

async fn run(mut arguments: Arguments) -> Result<(), Error> {
    shared::telemetry::init_to(Env::of_process(), std::io::stderr)?;
    match arguments.command.take() {
        None => serve(arguments).await,
        Some(Command::Invoke { function, event }) => invoke(arguments, function, &event).await,
    }
}

/// The gateway behind the front door.
struct InnerGateway {
    /// The gateway's own listener.
    listener: TcpListener,
    /// The secret that the front door adds to requests.
    secret: String,
}

async fn serve(arguments: Arguments) -> Result<(), Error> {
    let listener = listen(arguments.port).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let behind = if arguments.front_door {
        Some(InnerGateway::listen().await?)
    } else {
        None
    };
    let interrupted = gateway::interrupted()?;
    let backend = Backend::start(arguments.storage(), tables()?).await?;
    let secret = behind.as_ref().map(|behind| behind.secret.as_str());
    let functions = functions(&backend, Some(&url), secret)?;
    let sweeps = tokio::spawn(sweep(functions.clone(), backend.clone()));
    let brand = config::brand(Env::new(&|name| {
        variable(name, login_url(name, Some(&url)))
    }))?;
    let gateway = behind.as_ref().map(|behind| behind.listener.local_addr());
    greeting::hello(&url, &backend, &brand, gateway.transpose()?);
    let pages = site::pages(&backend, brand, listener.local_addr()?);
    let router = gateway::router(functions).merge(pages);
    match behind {
        Some(InnerGateway {
            listener: inner,
            secret,
        }) => {
            let front = front_door::in_front_of(router.clone(), &secret)?;
            let front = gateway::serve_router(listener, front, interrupted);
            let inner = gateway::serve_router(inner, router, gateway::interrupted()?);
            tokio::try_join!(front, inner)?;
        }
        None => gateway::serve_router(listener, router, interrupted).await?,
    }
    sweeps.abort();
    greeting::goodbye();
    Ok(())
}

impl InnerGateway {
    /// Listens on a free port. The secret is `FRONT_DOOR_SECRET`, or a random one if that is not
    /// set. Whoever sets the variable knows the secret, and can call the gateway directly with it.
    async fn listen() -> Result<Self, Error> {
        let given = Env::of_process().optional("FRONT_DOOR_SECRET");
        Ok(Self {
            listener: listen(0).await?,
            secret: given.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()),
        })
    }
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!("port {port} is in use; choose another with --port").into(),
        _ => format!("port {port}: {error}").into(),
    })
}

/// Runs the sweep on a schedule, more often than template.yaml, but only if a reset is pending. The
/// log of sweeps without work would bury that of the requests.
async fn sweep(functions: Functions, backend: Backend) {
    let event = r#"{ "source": "aws.events", "detail-type": "Scheduled Event" }"#;
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        if matches!(backend.has_pending_reset().await, Ok(false)) {
            continue;
        }
        let request_id = uuid::Uuid::new_v4().to_string();
        if let Err(error) = lambda::invoke(&functions.reset_user_password, event, request_id).await
        {
            tracing::error!(
                error = &*error as &dyn std::error::Error,
                "the sweep failed"
            );
        }
    }
}

/// Reads a Lambda event.
fn read_event(file: &Path) -> Result<String, Error> {
    let event = std::fs::read_to_string(file);
    let event = event.map_err(|error| format!("cannot read the event: {error}"))?;
    serde_json::from_str::<IgnoredAny>(&event)
        .map_err(|error| format!("not valid JSON: {error}"))?;
    Ok(event)
}

async fn invoke(arguments: Arguments, function: FunctionName, event: &Path) -> Result<(), Error> {
    let event = read_event(event).map_err(|error| format!("{}: {error}", event.display()))?;
    let backend = Backend::start(arguments.storage(), tables()?).await?;
    let functions = functions(&backend, None, None)?;
    let request_id = uuid::Uuid::new_v4().to_string();
    let result = match function {
        FunctionName::ResetUserPassword => {
            lambda::invoke(&functions.reset_user_password, &event, request_id).await?
        }
        FunctionName::UpdateUserRegistrationPassword => {
            lambda::invoke(
                &functions.update_user_registration_password,
                &event,
                request_id,
            )
            .await?
        }
    };
    #[expect(clippy::print_stdout, reason = "the result is what was asked for")]
    {
        println!("{result:#}");
    }
    Ok(())
}

/// Makes both functions, configured by the environment with a default for each variable. With
/// `front_door_secret`, they expect a front door.
fn functions(
    backend: &Backend,
    url: Option<&str>,
    front_door_secret: Option<&str>,
) -> Result<Functions, ConfigError> {
    let lookup = |name: &str| match (name, front_door_secret) {
        ("FRONT_DOOR", Some(_)) => Some("CLOUDFRONT".to_owned()),
        ("FRONT_DOOR_SECRET", Some(secret)) => Some(secret.to_owned()),
        _ => {
            let table = backend.tables.variable(name);
            table.or_else(|| variable(name, login_url(name, url)))
        }
    };
    let configs = Configs::read(Env::new(&lookup))?;
    Ok(Functions::new(backend, configs, &Clock::system()))
}

/// The URL of this program, as the login URL in emails.
fn login_url(name: &str, url: Option<&str>) -> Option<String> {
    let url = url.filter(|_| name == "LOGIN_URL");
    url.map(|url| format!("{url}/"))
}

fn tables() -> Result<TableNames, ConfigError> {
    let lookup = |name: &str| variable(name, None);
    let variables = Env::new(&lookup);
    Ok(TableNames {
        users: variables.required("USERS_TABLE")?,
        limits: variables.required("LIMITS_TABLE")?,
        audit: variables.required("AUDIT_TABLE")?,
        brands: variables.required("BRANDS_TABLE")?,
        sessions: variables.required("SESSIONS_TABLE")?,
    })
}

/// The value of a variable: from the environment, else `own`, else the default.
fn variable(name: &str, own: Option<String>) -> Option<String> {
    let given = Env::of_process().optional(name);
    given.or(own).or_else(|| local::default_variable(name))
}
