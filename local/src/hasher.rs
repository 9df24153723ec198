//! The hashers of this process. All users of the same cost share a hasher, because each hasher
//! holds working memory: 12 MiB or more at every cost that can be configured.

use std::sync::{Mutex, PoisonError};

use password::{Cost, Hasher};

static HASHERS: Mutex<Vec<(Cost, Hasher)>> = Mutex::new(Vec::new());

/// Returns the hasher of this process for this cost.
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
