//! Clients of DynamoDB and SES, with the timeouts that both functions need.

mod clients;
mod config;
mod http;
mod pool;

pub use clients::{Clients, connect, http_client, sdk_config};
pub use config::{AwsConfig, Credentials, SharedCredentialsProvider, Timeouts, endpoint_url};
