//! Why something could not be found out.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use shared::config::ConfigError;

use crate::failure::permission;

/// Codes of calls that IAM does not allow. Services spell it differently ("Common Errors" of their
/// API references).
const DENIED: [&str; 4] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
];

/// Why something could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Gap {
    /// IAM does not allow the call.
    #[error("the permission {0} is missing")]
    Permission(String),
    /// The service refused the call with this code.
    #[error("{action} failed: {code}")]
    Refused {
        /// The call, as IAM names it.
        action: String,
        /// The code of the error.
        code: String,
    },
    /// Something else, in words.
    #[error("{0}")]
    Unknown(String),
}

/// What was found out, or why it could not be.
pub(super) type Answer<T> = Result<T, Gap>;

/// What was found, for a further check of it; a gap where there is no such thing.
pub(super) fn existing<'f, T>(found: &'f Answer<Option<T>>, what: &str) -> Answer<&'f T> {
    let found = found.as_ref().map_err(Clone::clone)?;
    let missing = || Gap::Unknown(format!("there is no such {what}"));
    found.as_ref().ok_or_else(missing)
}

impl Gap {
    /// Why a call to AWS, by the name that IAM has for it, gave no result.
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

    /// An endpoint other than AWS's need not have all calls.
    fn not_offered(action: &str) -> Self {
        Self::Unknown(format!("the endpoint does not offer {action}"))
    }

    /// Whether the service has no such thing.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if code.contains("NotFound") || code == "NoSuchEntity")
    }
}

impl From<ConfigError> for Gap {
    fn from(error: ConfigError) -> Self {
        Self::Unknown(error.to_string())
    }
}
