//! Hashing and verifying with Argon2id (RFC 9106).

use std::sync::Arc;

use argon2::password_hash::phc::{self, Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Version};
use rand_core::CryptoRng;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString as Secret};

use crate::cost::{Cost, HASH_LENGTH};
use crate::error::HashError;
use crate::memory::MemoryPool;
use crate::stored::{Argon2Hash, Format, Stored};

/// The length of a salt, in bytes (RFC 9106 section 3.1).
const SALT_LENGTH: usize = 16;

/// A salt for one hash.
#[derive(Debug, Clone, Copy)]
pub struct Salt([u8; SALT_LENGTH]);

impl Salt {
    /// Makes a random salt.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut salt = [0; SALT_LENGTH];
        rng.fill_bytes(&mut salt);
        Self(salt)
    }
}

/// The result of verifying a password against a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The password is right.
    Valid {
        /// Whether new hashes have different parameters, so that this one should be replaced.
        needs_rehash: bool,
    },
    /// The password is wrong.
    Invalid,
}

/// Hashes and verifies passwords with Argon2id. Clones share the working memory.
///
/// A call keeps a core busy for tens of milliseconds, so async code must make it on a thread that
/// may block.
#[derive(Debug, Clone)]
pub struct Hasher {
    cost: Cost,
    memory_pool: Arc<MemoryPool>,
}

impl Hasher {
    /// Makes a hasher. Its first buffer of working memory is allocated in the background; the first
    /// hash waits for it.
    #[must_use]
    pub fn new(cost: Cost) -> Self {
        let memory_pool = MemoryPool::new(cost.context().params().block_count());
        Self { cost, memory_pool }
    }

    /// Hashes `password` with `salt` and returns a PHC string.
    pub fn hash(&self, password: &Secret, Salt(salt): Salt) -> Result<Secret, HashError> {
        let context = self.cost.context();
        let output = self.compute(&context, password, &salt, HASH_LENGTH)?;
        let phc = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::default().into()),
            params: context
                .params()
                .try_into()
                .map_err(|_| HashError::Refused)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| HashError::Refused)?),
            hash: Some(output),
        };
        Ok(Secret::from(phc.to_string()))
    }

    /// Verifies `password` against a stored hash. Hashes are compared in constant time.
    ///
    /// Verifying an imported hash also computes an Argon2 hash. Most imported hashes are far
    /// cheaper, and without it a login to such an account would be answered sooner than one with
    /// an unknown name.
    pub fn verify(&self, password: &Secret, stored: &Secret) -> Result<Verification, HashError> {
        let (is_right, needs_rehash) = match Stored::parse(stored)?.0 {
            Format::Argon2(argon2) => (
                self.matches(password, &argon2)?,
                argon2.needs_rehash(self.cost),
            ),
            Format::Imported(imported) => {
                let _ = self.verify_dummy(password);
                (imported.matches(password), true)
            }
        };
        Ok(if is_right {
            Verification::Valid { needs_rehash }
        } else {
            Verification::Invalid
        })
    }

    fn matches(&self, password: &Secret, stored: &Argon2Hash) -> Result<bool, HashError> {
        let found = self.compute(&stored.context(), password, &stored.salt, stored.hash.len())?;
        // `Output` compares in constant time.
        Ok(found == stored.hash)
    }

    /// Takes as long as one [`Hasher::verify`], so that an unknown name is not answered sooner than
    /// a known one (OWASP Authentication Cheat Sheet, "Authentication Responses").
    pub fn verify_dummy(&self, password: &Secret) -> Verification {
        let salt = [0_u8; SALT_LENGTH];
        // The result is not needed, even if it is an error.
        let _ = self.compute(&self.cost.context(), password, &salt, HASH_LENGTH);
        Verification::Invalid
    }

    fn compute(
        &self,
        context: &Argon2<'_>,
        password: &Secret,
        salt: &[u8],
        length: usize,
    ) -> Result<Output, HashError> {
        let params = context.params();
        let (memory_kib, iterations) = (params.m_cost(), params.t_cost());
        tracing::trace!(memory_kib, iterations, "Argon2");
        let blocks = params.block_count();
        let password = password.expose_secret().as_bytes();
        let mut buffer = self.memory_pool.take();
        buffer.resize(blocks.max(buffer.len()), Block::new());
        let mut hash = Zeroizing::new(vec![0_u8; length]);
        let result = context.hash_password_into_with_memory(
            password,
            salt,
            hash.as_mut_slice(),
            buffer.as_mut_slice(),
        );
        self.memory_pool.put_back(buffer);
        result.map_err(|_| HashError::Refused)?;
        Output::new(&hash).map_err(|_| HashError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn salt(seed: u8) -> Salt {
        Salt::generate(&mut ChaCha20Rng::from_seed([seed; 32]))
    }

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn hashes_are_phc_strings_with_the_configured_cost() {
        let hasher = Hasher::new(Cost::new(12_288, 3).unwrap());
        let phc = hasher.hash(&secret("p@55wOrd"), salt(1)).unwrap();
        assert!(
            phc.expose_secret()
                .starts_with("$argon2id$v=19$m=12288,t=3,p=1$")
        );
        assert_eq!(
            hasher.verify(&secret("p@55wOrd"), &phc),
            Ok(Verification::Valid {
                needs_rehash: false
            })
        );
        assert_eq!(
            hasher.verify(&secret("p@55word"), &phc),
            Ok(Verification::Invalid)
        );
    }

    #[test]
    fn every_hash_has_its_own_salt() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut hash = || {
            hasher
                .hash(&secret("same"), Salt::generate(&mut rng))
                .unwrap()
        };
        assert_ne!(hash().expose_secret(), hash().expose_secret());
    }

    /// The test vector of RFC 9106 section 5.3 has a secret and associated data, which PHC strings
    /// lack. The hash here was made by the reference implementation: `echo -n password | argon2
    /// somesalt -id -t 2 -m 16`.
    #[test]
    fn verifies_hashes_of_the_reference_implementation() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                         $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(
            hasher.verify(&secret("password"), &secret(reference)),
            Ok(Verification::Valid { needs_rehash: true })
        );
    }

    #[test]
    fn other_parameters_need_a_rehash() {
        let old = Hasher::new(Cost::new(12_288, 3).unwrap());
        let phc = old.hash(&secret("x"), salt(1)).unwrap();
        let new = Hasher::new(Cost::DEFAULT);
        assert_eq!(
            new.verify(&secret("x"), &phc),
            Ok(Verification::Valid { needs_rehash: true })
        );
        assert_eq!(new.verify(&secret("y"), &phc), Ok(Verification::Invalid));
    }

    #[test]
    fn strings_that_are_not_hashes_are_errors() {
        let hasher = Hasher::new(Cost::DEFAULT);
        for stored in [
            "",
            "plain",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            "$1$abc$def",
        ] {
            assert_eq!(
                hasher.verify(&secret("x"), &secret(stored)),
                Err(HashError::Unreadable),
                "{stored}"
            );
        }
    }

    /// The single SHA-1 of Membership would, without Argon2, be a thousand times faster than the
    /// check for an unknown user name.
    #[test]
    fn an_imported_hash_also_computes_argon2() {
        let stored =
            "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=";
        for password in ["Pässwörd 1 €", "wrong"] {
            let hasher = Hasher::new(Cost::DEFAULT);
            let verification = hasher.verify(&secret(password), &secret(stored)).unwrap();
            assert_eq!(verification != Verification::Invalid, password != "wrong");
            let used = hasher.memory_pool.take();
            let is_used = |block: &Block| block.as_ref().iter().any(|&word| word != 0);
            assert!(used.iter().all(is_used), "{password}");
        }
    }

    #[test]
    fn an_unknown_name_also_computes_argon2() {
        let hasher = Hasher::new(Cost::DEFAULT);
        assert_eq!(hasher.verify_dummy(&secret("x")), Verification::Invalid);
        let used = hasher.memory_pool.take();
        let is_used = |block: &Block| block.as_ref().iter().any(|&word| word != 0);
        assert!(used.iter().all(is_used));
    }

    /// Made with the Python package `argon2-cffi`, with the bytes 0 to 15 as the salt.
    #[test]
    fn verifies_hashes_of_other_costs_and_variants() {
        let hasher = Hasher::new(Cost::new(12_288, 3).unwrap());
        for stored in [
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$t8rtEbbWz/EfUWukrIasVAy5VOzfvlCMGnZ55qZvet8",
            "$argon2id$v=19$m=32768,t=1,p=4$AAECAwQFBgcICQoLDA0ODw$nUVormEh6ldEdmDNMYuO8VkKNNCkoTgIZAh4PNzQ7DI",
            "$argon2i$v=19$m=1024,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$KRbY2OSZS1rPw1RVbwl+FQ",
            "$argon2d$v=19$m=64,t=1,p=2$AAECAwQFBgcICQoLDA0ODw$GR3bqKh/i5zIPs+bF7+aO+zLGlWp7ARUvlFudsfglT1xvBRbZntO/EhV8HPyOoGS8rNgSHpkvlb6+bmYPeWgeQ",
        ] {
            assert_eq!(
                hasher.verify(&secret("Pässwörd 1 €"), &secret(stored)),
                Ok(Verification::Valid { needs_rehash: true }),
                "{stored}"
            );
            assert_eq!(
                hasher.verify(&secret("Pässwörd 1"), &secret(stored)),
                Ok(Verification::Invalid),
                "{stored}"
            );
        }
    }

    #[test]
    fn excessive_work_is_refused() {
        let hasher = Hasher::new(Cost::DEFAULT);
        for cost in [
            "m=1048577,t=1,p=1",
            "m=1048576,t=5,p=1",
            "m=19456,t=216,p=1",
        ] {
            let stored =
                format!("$argon2id$v=19${cost}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8");
            assert_eq!(
                hasher.verify(&secret("x"), &secret(&stored)),
                Err(HashError::TooCostly),
                "{cost}"
            );
        }
    }

    #[test]
    fn used_memory_is_wiped() {
        let hasher = Hasher::new(Cost::DEFAULT);
        hasher.hash(&secret("x"), salt(1)).unwrap();
        for block in &hasher.memory_pool.take() {
            assert!(block.as_ref().iter().take(8).all(|&word| word == 0));
        }
    }

    #[test]
    fn consecutive_hashes_reuse_memory() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let address = || {
            let buffer = hasher.memory_pool.take();
            let address = buffer.as_ptr();
            hasher.memory_pool.put_back(buffer);
            address
        };
        let first = address();
        for seed in 0..3 {
            let stored = hasher.hash(&secret("p@55wOrd"), salt(seed)).unwrap();
            let _ = hasher.verify(&secret("p@55wOrd"), &stored).unwrap();
            assert_eq!(address(), first);
        }
    }

    #[test]
    fn concurrent_hashes_are_right() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let expected = hasher.hash(&secret("x"), salt(1)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let hash = hasher.hash(&secret("x"), salt(1)).unwrap();
                    assert_eq!(hash.expose_secret(), expected.expose_secret());
                });
            }
        });
    }
}
