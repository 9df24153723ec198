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
    /// Parses a stored hash: a PHC string of Argon2, or an imported hash of another system.
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

/// An Argon2 hash with its parameters and salt.
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
        if !Cost::from_params(&params).is_affordable() {
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

    /// Whether new hashes with `cost` have different parameters.
    pub(crate) fn needs_rehash(&self, cost: Cost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || Cost::from_params(&self.params) != cost
            || self.params.p_cost() != 1
            || self.version != Version::default()
            || self.hash.len() != HASH_LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 bytes in Base64, which a PHC string has without padding.
    const HASH: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn argon2(head: &str, hash: &str) -> Result<Argon2Hash, HashError> {
        Argon2Hash::parse(&format!("{head}$AAECAwQFBgcICQoLDA0ODw${hash}"))
    }

    #[test]
    fn only_hashes_like_new_ones_need_no_rehash() {
        let needs_rehash = |head, hash| argon2(head, hash).map(|h| h.needs_rehash(Cost::DEFAULT));
        let new = "$argon2id$v=19$m=19456,t=2,p=1";
        assert_eq!(needs_rehash(new, HASH), Ok(false));
        assert_eq!(needs_rehash(new, &HASH[..32]), Ok(true));
        for other in [
            "$argon2i$v=19$m=19456,t=2,p=1",
            "$argon2d$v=19$m=19456,t=2,p=1",
            "$argon2id$v=16$m=19456,t=2,p=1",
            "$argon2id$m=19456,t=2,p=1",
            "$argon2id$v=19$m=19455,t=2,p=1",
            "$argon2id$v=19$m=19456,t=3,p=1",
            "$argon2id$v=19$m=19456,t=2,p=2",
        ] {
            assert_eq!(needs_rehash(other, HASH), Ok(true), "{other}");
        }
    }

    #[test]
    fn other_strings_are_unreadable() {
        for (head, hash) in [
            ("$argon2x$v=19$m=19456,t=2,p=1", HASH),
            ("$argon2id$v=18$m=19456,t=2,p=1", HASH),
            ("$argon2id$v=19$m=7,t=2,p=1", HASH),
            ("$argon2id$v=19$m=19456,t=0,p=1", HASH),
            ("$argon2id$v=19$m=19456,t=2,p=1", "AA"),
        ] {
            assert_eq!(
                argon2(head, hash).err(),
                Some(HashError::Unreadable),
                "{head}${hash}"
            );
        }
        let head = "$argon2id$v=19$m=1048577,t=1,p=1";
        assert_eq!(argon2(head, HASH).err(), Some(HashError::TooCostly));
    }

    #[test]
    fn the_algorithm_is_named() {
        for (stored, name) in [
            (
                "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw",
                "argon2id",
            ),
            (
                "$argon2i$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw",
                "argon2i",
            ),
            (
                "$2b$04$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
                "bcrypt",
            ),
            (
                "$pbkdf2-sha256$i=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw",
                "pbkdf2-sha256",
            ),
            (
                "$pbkdf2-sha512$i=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw",
                "pbkdf2-sha512",
            ),
            (
                "$aspnet-identity$AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==",
                "pbkdf2-sha1",
            ),
            (
                "$aspnet-membership-sha1$AA==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=",
                "aspnet-membership-sha1",
            ),
            (
                "$aspnet-membership-hmacsha256$AA==$ZmIyiBp2uZP0iHjnP4+RQw59Nx3M+QVVHINasaUSu8s=",
                "aspnet-membership-hmacsha256",
            ),
            (
                "$servicestack-sha256$AA==$ZmIyiBp2uZP0iHjnP4+RQw59Nx3M+QVVHINasaUSu8s=",
                "servicestack-sha256",
            ),
        ] {
            let stored = Stored::parse(&Secret::from(stored)).unwrap();
            assert_eq!(stored.algorithm(), name);
        }
    }
}
