//! Why a command was not carried out, and the exit code of that.

use std::process::ExitCode;

use password::HashError;
use shared::config::ConfigError;
use shared::dynamodb::StoreError;
use shared::text::one_line;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("there is no account {}", one_line(.0))]
    Unknown(String),
    #[error("{0}")]
    Refused(String),
    #[error("{name}")]
    File {
        name: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("STS did not answer")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the standard input could not be read")]
    Input(#[source] std::io::Error),
    #[error(transparent)]
    Reset(#[from] reset_user_password::operation::ResetFailure),
    #[error("a task failed")]
    Task(#[from] tokio::task::JoinError),
    #[error("the output could not be written")]
    Output(#[from] std::io::Error),
}

impl Error {
    /// DynamoDB did not answer a question.
    pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Store(StoreError::unavailable(error))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Config(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}
