//! What stands in for AWS: DynamoDB and SES, each over HTTP on a port of this machine.

use std::path::PathBuf;

use dynoxide::Database;
use shared::aws::{AwsConfig, Clients, Credentials};
use shared::config::Env;
use tokio::net::TcpListener;

use crate::demo;
use crate::ses::{self, Outbox};
use crate::tables::{self, TableNames};

/// Where the tables are.
#[derive(Debug, Clone)]
pub enum Storage {
    /// Nowhere: gone when the process ends. Where `TEST_DYNAMODB_URL` is set, in tables of their
    /// own in the DynamoDB there, so that the tests can run on another than the embedded one.
    Memory,
    /// In a file in this directory.
    Directory(PathBuf),
    /// In a DynamoDB that runs at this URL.
    Running(String),
}

/// DynamoDB and SES of this machine.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Clients that talk to them.
    pub clients: Clients,
    /// The mails SES accepted.
    pub outbox: Outbox,
    /// The names of its tables.
    pub tables: TableNames,
    /// Where DynamoDB listens.
    pub dynamodb_url: String,
    /// Where SES listens.
    pub ses_url: String,
}

/// Why the backend could not be started.
pub type BackendError = Box<dyn std::error::Error + Send + Sync>;

impl Backend {
    /// Starts both; creates the tables, with the demo data, where they do not exist.
    pub async fn start(storage: Storage, mut tables: TableNames) -> Result<Self, BackendError> {
        let dynamodb_url = match storage {
            Storage::Memory => match Env::of_process().optional("TEST_DYNAMODB_URL") {
                Some(url) => {
                    tables = tables.with_suffix(&uuid::Uuid::new_v4().to_string());
                    url
                }
                None => serve(Database::memory()?).await?,
            },
            Storage::Directory(directory) => {
                std::fs::create_dir_all(&directory)
                    .map_err(|error| format!("{}: {error}", directory.display()))?;
                let file = directory.join("dynamodb.sqlite");
                let database = Database::new(&file.to_string_lossy())
                    .map_err(|error| format!("{}: {error}", file.display()))?;
                serve(database).await?
            }
            Storage::Running(url) => url,
        };
        let outbox = Outbox::default();
        let ses_url = ses::serve(outbox.clone()).await?;
        let clients = Clients::new(access(dynamodb_url.clone(), ses_url.clone()))?;
        tables::create_missing(&clients.dynamodb, &tables).await?;
        demo::load(&clients.dynamodb, &tables).await?;
        Ok(Self {
            clients,
            outbox,
            tables,
            dynamodb_url,
            ses_url,
        })
    }
}

async fn serve(database: Database) -> Result<String, BackendError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    Ok(url)
}

/// Configuration for local endpoints, with credentials that are not checked.
pub(crate) fn access(dynamodb_url: String, ses_url: String) -> AwsConfig {
    AwsConfig {
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("local", "local", None, None, "local"),
        dynamodb_url: Some(dynamodb_url),
        ses_url: Some(ses_url),
    }
}
