//! Passwords: hashing and verifying with Argon2id, verifying imported hashes, generating, and the
//! rules for chosen ones.

mod generate;
mod hash;
mod imported;
mod policy;

pub use generate::generate;
pub use hash::{Cost, CostError, HashError, Hasher, Salt, Stored, Verification};
pub use policy::{MAX_LENGTH, MIN_LENGTH, Weakness, is_blank, length, weakness};
/// A password or anything else that must not be shown: redacted in Debug, no Display, wiped on drop.
pub use secrecy::{ExposeSecret, SecretString as Secret};
