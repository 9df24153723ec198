//! Why a command was not carried out, and the exit code of that.

use std::process::ExitCode;

use password::HashError;
use shared::config::ConfigError;
use shared::dynamodb::StoreError;

/// Why a command was not carried out.
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
    /// Refused now, and not for good.
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
    #[error("the stack could not be read")]
    Stack(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the standard input could not be read")]
    Input(#[source] std::io::Error),
    #[error(transparent)]
    Reset(#[from] reset_user_password::operation::ResetFailure),
    #[error("a part of the work ended early")]
    Task(#[from] tokio::task::JoinError),
    #[error("the output could not be written")]
    Output(#[from] std::io::Error),
    #[error("it was done, but the output could not be written")]
    Unreported(#[source] std::io::Error),
}

impl Error {
    /// DynamoDB did not answer a question.
    pub(crate) fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Store(StoreError::unavailable(error))
    }
}

/// How a command ended that was not carried out. Scripts see the exit code, and with `--json` the
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It may not or cannot be done.
    Refused,
    /// It was not asked for correctly, or something is not set.
    Usage,
    /// What it names does not exist.
    NotFound,
    /// The output could not be written (`EX_IOERR` of sysexits.h).
    Output,
    /// It may succeed later (`EX_TEMPFAIL` of sysexits.h).
    TryAgain,
}

impl Status {
    /// The word for scripts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Output => "output",
            Self::TryAgain => "try_again",
        }
    }

    /// The exit code.
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
