//! Passwords: hashing and verifying with Argon2id, verifying imported hashes, generating, and the
//! policy for chosen ones.

mod cost;
mod error;
mod generate;
mod hasher;
mod imported;
mod membership;
mod memory;
mod policy;
mod stored;

pub use cost::{Cost, CostError};
pub use error::HashError;
pub use generate::generate;
pub use hasher::{Hasher, Salt, Verification};
pub use policy::{MAX_LENGTH, MIN_LENGTH, Weakness, is_blank, length, weakness};
/// A secret string: redacted in `Debug`, without `Display`, wiped on drop.
pub use secrecy::{ExposeSecret, SecretString as Secret};
pub use stored::Stored;
