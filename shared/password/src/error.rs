//! Errors of hashing and verifying.

/// The reason a password cannot be hashed, or a stored hash cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The stored value is malformed or in an unknown format.
    #[error("the stored password hash is not readable")]
    Unreadable,
    /// Verifying the stored value would take more work than a login may cost.
    #[error("verifying the stored password hash would take too much work")]
    TooCostly,
    /// Argon2 refused its input, for example a password beyond 4 GiB.
    #[error("the password could not be hashed")]
    Refused,
}
