//! The local substitute for AWS: DynamoDB and SES, each over HTTP on a port of this machine.

use std::path::PathBuf;

use dynoxide::Database;
use shared::aws::{AwsConfig, Clients, Credentials, SharedCredentialsProvider, Timeouts};
use tokio::net::TcpListener;

use crate::demo;
use crate::error::Error;
use crate::ses::{self, Outbox};
use crate::tables::{self, TableNames};

/// Where the tables are.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory: gone when the process ends.
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

impl Backend {
    /// Starts both; creates the tables, with the demo data, where they do not exist.
    pub async fn start(storage: Storage, tables: TableNames) -> Result<Self, Error> {
        let dynamodb_url = match storage {
            Storage::Memory => serve(Database::memory()?).await?,
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

async fn serve(database: Database) -> Result<String, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    Ok(url)
}

/// Configuration for endpoints other than AWS's, with credentials that are never checked.
#[must_use]
pub fn access(dynamodb_url: String, ses_url: String) -> AwsConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    AwsConfig {
        region: "us-east-1".to_owned(),
        credentials: SharedCredentialsProvider::new(credentials),
        dynamodb_url: Some(dynamodb_url),
        ses_url: Some(ses_url),
        timeouts: Timeouts::default(),
    }
}
