//! One hasher for every cost that is asked for: each has the memory of a hash, 19 MiB.

use std::sync::{Mutex, PoisonError};

use password::{Cost, Hasher};

static HASHERS: Mutex<Vec<(Cost, Hasher)>> = Mutex::new(Vec::new());

/// The hasher of this process for hashes of this cost.
#[must_use]
pub fn hasher(cost: Cost) -> Hasher {
    let mut hashers = HASHERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, hasher)) = hashers.iter().find(|(known, _)| *known == cost) {
        return hasher.clone();
    }
    let hasher = Hasher::new(cost);
    hashers.push((cost, hasher.clone()));
    hasher
}
