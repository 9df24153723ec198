//! The local replacement for AWS: DynamoDB and SES over HTTP, each on a port of this machine.

use std::path::{Path, PathBuf};

use dynoxide::Database;
use password::Cost;
use shared::aws::{AwsConfig, Clients, Credentials, SharedCredentialsProvider, Timeouts};
use tokio::net::TcpListener;

use crate::demo;
use crate::error::Error;
use crate::ses::{self, Outbox};
use crate::tables::{self, TableNames};

/// The storage of the tables.
#[derive(Debug, Clone)]
pub enum Storage {
    /// Memory, until the process ends.
    Memory,
    /// A file in this directory.
    Directory(PathBuf),
    /// A running DynamoDB at this URL.
    Running(String),
}

/// DynamoDB and SES on this machine.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Clients of DynamoDB and SES.
    pub clients: Clients,
    /// The emails that SES accepted.
    pub outbox: Outbox,
    /// The names of the tables.
    pub tables: TableNames,
    /// The URL of DynamoDB.
    pub dynamodb_url: String,
    /// The URL of SES.
    pub ses_url: String,
}

impl Backend {
    /// Starts DynamoDB and SES. Creates missing tables, and writes the demo data if the Users table
    /// is empty.
    pub async fn start(storage: Storage, tables: TableNames) -> Result<Self, Error> {
        Self::start_with_cost(storage, tables, Cost::DEFAULT).await
    }

    /// Does the same as [`Backend::start`], with this cost for the hashes in the demo data.
    pub async fn start_with_cost(
        storage: Storage,
        tables: TableNames,
        cost: Cost,
    ) -> Result<Self, Error> {
        let dynamodb_url = match storage {
            Storage::Memory => serve(Database::memory()?).await?,
            Storage::Directory(directory) => {
                std::fs::create_dir_all(&directory).map_err(|error| {
                    format!("cannot create the folder {}: {error}", directory.display())
                })?;
                serve(open(&directory.join("dynamodb.sqlite"))?).await?
            }
            Storage::Running(url) => url,
        };
        let outbox = Outbox::default();
        let ses_url = ses::serve(outbox.clone()).await?;
        let clients = Clients::new(aws_config(dynamodb_url.clone(), ses_url.clone()))?;
        let created = tables::create_missing(&clients.dynamodb, &tables).await;
        created.map_err(|error| format!("{dynamodb_url}: {error}"))?;
        demo::load(&clients.dynamodb, &tables, cost).await?;
        Ok(Self {
            clients,
            outbox,
            tables,
            dynamodb_url,
            ses_url,
        })
    }

    /// Whether a reset is waiting for the sweep.
    pub async fn has_pending_reset(&self) -> Result<bool, Error> {
        let request = self.clients.dynamodb.scan();
        let request = request.table_name(&self.tables.users).limit(1);
        let output = request.index_name("pending-reset-index").send().await?;
        Ok(output.count > 0)
    }
}

fn open(file: &Path) -> Result<Database, Error> {
    Database::new(&file.to_string_lossy()).map_err(|error| {
        let file = file.display();
        format!("cannot read {file} ({error}); to begin again with the demo data, delete it").into()
    })
}

async fn serve(database: Database) -> Result<String, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    Ok(url)
}

/// The configuration of clients for these endpoints, with credentials that are never checked.
#[must_use]
pub fn aws_config(dynamodb_url: String, ses_url: String) -> AwsConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    AwsConfig {
        region: "us-east-1".to_owned(),
        credentials: SharedCredentialsProvider::new(credentials),
        dynamodb_url: Some(dynamodb_url),
        ses_url: Some(ses_url),
        timeouts: Timeouts::default(),
    }
}
