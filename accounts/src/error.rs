//! Errors of commands, and their exit codes.

use std::process::ExitCode;

use password::HashError;
use shared::config::ConfigError;
use shared::dynamodb::StoreError;

/// An error of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    /// A temporary refusal: the command may succeed later.
    #[error("{0}")]
    TryAgain(String),
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
    #[error("cannot read the stack")]
    Stack(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot read from standard input")]
    Input(#[source] std::io::Error),
    #[error(transparent)]
    Reset(#[from] reset_user_password::operation::ResetFailure),
    #[error("a background task failed")]
    Task(#[from] tokio::task::JoinError),
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
    #[error("the change was made, but the output could not be written")]
    Unreported(#[source] std::io::Error),
}

impl Error {
    /// Wraps a failed call to DynamoDB.
    pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Store(StoreError::unavailable(error))
    }
}

/// The kind of an error: the exit code, and the name in JSON output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The command is not allowed or not possible.
    Refused,
    /// The command line is wrong, or a setting is missing.
    Usage,
    /// The account, brand, table or file does not exist.
    NotFound,
    /// The output could not be written (`EX_IOERR` of sysexits.h).
    Output,
    /// The command may succeed later (`EX_TEMPFAIL` of sysexits.h).
    TryAgain,
}

impl Status {
    /// Returns the name in JSON output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Output => "output",
            Self::TryAgain => "try_again",
        }
    }

    /// Returns the exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Output => 74,
            Self::TryAgain => 75,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
