//! Errors of checks that could not be made.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use shared::config::ConfigError;

use crate::failure::permission;

/// The error codes of calls that IAM denies. They differ between services ("Common Errors" of their
/// API references).
const DENIED: [&str; 4] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
];

/// The reason why a check could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CheckError {
    /// IAM denied the call.
    #[error("permission {0} is missing")]
    Permission(String),
    /// The service refused the call with this code.
    #[error("{action} failed: {code}")]
    Refused {
        /// The IAM action of the call.
        action: String,
        /// The error code.
        code: String,
    },
    /// The endpoints and options of this run do not allow the check.
    #[error("{0}")]
    Skipped(String),
    /// Another reason.
    #[error("{0}")]
    Unknown(String),
}

/// The result of a check, or the reason why it could not be made.
pub(super) type CheckResult<T> = Result<T, CheckError>;

/// Returns what was found, for a further check; an error if it does not exist.
pub(super) fn existing<'f, T>(found: &'f CheckResult<Option<T>>, what: &str) -> CheckResult<&'f T> {
    let found = found.as_ref().map_err(Clone::clone)?;
    let missing = || CheckError::Unknown(format!("{what} not found"));
    found.as_ref().ok_or_else(missing)
}

impl CheckError {
    /// Converts the error of a call, given its IAM action.
    pub(super) fn of<E, R>(action: &str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let refused = match error {
            SdkError::ServiceError(refused) => refused.err().meta(),
            SdkError::ResponseError(_) => return Self::not_offered(action),
            _ => return Self::Unknown(format!("{action} failed: no answer")),
        };
        match refused.code() {
            Some(code) if DENIED.contains(&code) => {
                let named = refused.message().and_then(permission);
                Self::Permission(named.unwrap_or_else(|| action.to_owned()))
            }
            None | Some("UnknownOperationException") => Self::not_offered(action),
            Some(code) => Self::Refused {
                action: action.to_owned(),
                code: code.to_owned(),
            },
        }
    }

    /// Returns the error for a call that the endpoint does not support.
    fn not_offered(action: &str) -> Self {
        Self::Skipped(format!("the endpoint does not support {action}"))
    }

    /// Returns whether the service did not find the resource.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if code.contains("NotFound") || code == "NoSuchEntity")
    }
}

impl From<ConfigError> for CheckError {
    fn from(error: ConfigError) -> Self {
        Self::Unknown(error.to_string())
    }
}
