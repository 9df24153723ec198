//! Password hashing for async code: on a separate thread, with the time measured.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rand_core::CryptoRng;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::Instant;

use crate::metrics::{self, Metric};
use crate::users::{self, Account, Attempt, Login};
use password::{HashError, Hasher, Salt, Secret};

/// Generates, hashes and verifies passwords.
#[derive(Clone)]
pub struct PasswordService {
    hasher: Hasher,
    rng: Arc<Mutex<dyn CryptoRng + Send>>,
}

impl fmt::Debug for PasswordService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordService")
            .field("hasher", &self.hasher)
            .finish_non_exhaustive()
    }
}

/// A new password and its hash.
#[derive(Debug, Clone)]
pub struct GeneratedPassword {
    /// The password, for its email.
    pub password: Secret,
    /// The PHC string of its hash, for the table.
    pub hash: Secret,
}

/// The reason a password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The hashing thread panicked, or the runtime is shutting down.
    #[error("the hashing thread failed")]
    Thread(#[from] JoinError),
}

impl PasswordService {
    /// Makes a service that hashes with `hasher` and takes passwords and salts from `rng`.
    #[must_use]
    pub fn new(hasher: Hasher, rng: impl CryptoRng + Send + 'static) -> Self {
        Self {
            hasher,
            rng: Arc::new(Mutex::new(rng)),
        }
    }

    /// Generates a password with at least 128 bits of entropy, and hashes it.
    pub async fn generate(&self) -> Result<GeneratedPassword, PasswordError> {
        let password = self.random(|mut rng| password::generate(&mut rng));
        let hash = self.hash(&password).await?;
        Ok(GeneratedPassword { password, hash })
    }

    /// Hashes a password.
    pub async fn hash(&self, password: &Secret) -> Result<Secret, PasswordError> {
        let salt = self.random(|mut rng| Salt::generate(&mut rng));
        let password = password.clone();
        self.run(move |hasher| hasher.hash(&password, salt)).await
    }

    /// Verifies a password with [`users::verify`]. Returns the account with the result.
    pub async fn verify(
        &self,
        account: Option<Account>,
        attempt: Attempt,
    ) -> Result<(Option<Account>, Login), PasswordError> {
        self.run(move |hasher| {
            let login = users::verify(hasher, account.as_ref(), &attempt)?;
            Ok((account, login))
        })
        .await
    }

    fn random<T>(&self, make: impl FnOnce(&mut (dyn CryptoRng + Send)) -> T) -> T {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        make(&mut *rng)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hasher) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (hasher, began) = (self.hasher.clone(), Instant::now());
        let result = spawn_blocking(move || work(&hasher)).await;
        metrics::time(Metric::Argon2Time, began.elapsed());
        Ok(result??)
    }
}
