//! Work with the hasher, beside the runtime's own thread and measured.

use tokio::task::JoinError;
use tokio::time::Instant;

use crate::metrics::{self, Metric};
use password::Hasher;

/// What `work` gives. [`JoinError`] when it panicked or the runtime is at its end.
pub async fn hash<T: Send + 'static>(
    hasher: &Hasher,
    work: impl FnOnce(&Hasher) -> T + Send + 'static,
) -> Result<T, JoinError> {
    let (hasher, began) = (hasher.clone(), Instant::now());
    let result = tokio::task::spawn_blocking(move || work(&hasher)).await;
    metrics::time(Metric::Argon2Time, began.elapsed());
    result
}
