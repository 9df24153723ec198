//! Stored hashes: PHC strings of Argon2, and the imported formats.

use std::fmt;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString as Secret};

use crate::cost::{Cost, HASH_LENGTH};
use crate::error::HashError;
use crate::imported::Imported;

/// A stored hash that can be verified.
pub struct Stored(pub(crate) Format);

/// The formats of stored hashes.
pub(crate) enum Format {
    Argon2(Argon2Hash),
    Imported(Imported),
}

impl Stored {
    /// Parses a stored hash: a PHC string of Argon2, or a hash of another system as it is imported.
    pub fn parse(stored: &Secret) -> Result<Self, HashError> {
        let text = stored.expose_secret();
        Ok(Self(match Imported::parse(text)? {
            Some(imported) => Format::Imported(imported),
            None => Format::Argon2(Argon2Hash::parse(text)?),
        }))
    }

    /// The name of the algorithm, for people and logs.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Format::Argon2(argon2) => argon2.algorithm.as_str(),
            Format::Imported(imported) => imported.algorithm(),
        }
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored(..)")
    }
}

/// A hash of Argon2 with all it was made with.
pub(crate) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    pub(crate) salt: Salt,
    pub(crate) hash: Output,
}

impl Argon2Hash {
    fn parse(stored: &str) -> Result<Self, HashError> {
        let phc = PasswordHash::new(stored).map_err(|_| HashError::Unreadable)?;
        let algorithm =
            Algorithm::new(phc.algorithm.as_str()).map_err(|_| HashError::Unreadable)?;
        let params = Params::try_from(&phc).map_err(|_| HashError::Unreadable)?;
        let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else {
            return Err(HashError::Unreadable);
        };
        let version = match phc.version {
            Some(version) => Version::try_from(version).map_err(|_| HashError::Unreadable)?,
            None => Version::V0x10,
        };
        if !Cost::of(&params).is_bearable() {
            return Err(HashError::TooCostly);
        }
        Ok(Self {
            algorithm,
            version,
            params,
            salt,
            hash,
        })
    }

    /// Argon2 with the parameters of this hash.
    pub(crate) fn context(&self) -> Argon2<'static> {
        Argon2::new(self.algorithm, self.version, self.params.clone())
    }

    /// Whether new hashes of `cost` have other parameters.
    pub(crate) fn needs_rehash(&self, cost: Cost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || Cost::of(&self.params) != cost
            || self.params.p_cost() != 1
            || self.version != Version::default()
            || self.hash.len() != HASH_LENGTH
    }
}
