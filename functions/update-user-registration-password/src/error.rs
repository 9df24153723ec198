//! The errors of both operations.

use std::ops::RangeInclusive;

use password::Weakness;
use shared::dynamodb::StoreError;
use shared::password_service::PasswordError;

/// The reason an operation fails.
#[derive(thiserror::Error)]
pub enum Error {
    /// The name or the password is wrong, or the account is not allowed to log in.
    #[error("the credential is not valid")]
    InvalidCredential,
    /// The session is unknown or has ended.
    #[error("the session is not valid")]
    InvalidSession,
    /// The caller is not an administrator.
    #[error("the caller lacks the role Admin")]
    RoleMissing,
    /// The input violates rules.
    #[error("the input is not valid")]
    Invalid(Vec<Violation>),
    /// No customer has this address.
    #[error("no customer has this address")]
    UnknownCustomer {
        /// The address, as received.
        email: String,
    },
    /// Several customers have this address, and the brand does not select one of them.
    #[error("several customers have this address")]
    AmbiguousCustomer {
        /// The address, as received.
        email: String,
    },
    /// The account changed while its password was being set.
    #[error("the account was changed in the meantime")]
    Conflict,
    /// DynamoDB or hashing failed.
    #[error("the service failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Debug for Error {
    /// Writes the message, which contains no address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A rule that the input violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The address is missing or blank.
    EmailEmpty,
    /// The address is not an email address.
    EmailMalformed,
    /// The password is missing or blank.
    PasswordEmpty,
    /// The password is too short or too long, in code points.
    PasswordLength {
        /// The allowed lengths.
        allowed: RangeInclusive<usize>,
        /// The length of the password.
        entered: usize,
    },
    /// The password is easy to guess.
    PasswordWeak(Weakness),
}

impl Error {
    /// The name of the log event (`docs/audit.md`). Names do not change.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::InvalidCredential => "login.refused",
            Self::InvalidSession => "session.refused",
            Self::RoleMissing => "login.role_missing",
            Self::Unavailable(_) => "password_set.failed",
            Self::Invalid(_)
            | Self::UnknownCustomer { .. }
            | Self::AmbiguousCustomer { .. }
            | Self::Conflict => "password_set.refused",
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict,
            error => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_values_are_not_in_debug_output() {
        let email = || "p@55wOrd".to_owned();
        let errors = [
            Error::UnknownCustomer { email: email() },
            Error::AmbiguousCustomer { email: email() },
        ];
        let shown = format!("{errors:#?}");
        assert!(!shown.contains(&email()), "{shown}");
    }
}
