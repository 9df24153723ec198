//! Passwords: hashing and verifying with Argon2id, generating, and the rules for chosen ones.

mod generate;
mod hash;
mod policy;

pub use generate::generate;
pub use hash::{Cost, CostError, HashError, Hasher, Salt, Verification};
pub use policy::{MAX_LENGTH, MIN_LENGTH, Weakness, is_blank, length, weakness};
/// A password or anything else that must not be shown: redacted in Debug, no Display, wiped on drop.
pub use secrecy::{ExposeSecret, SecretString as Secret};
