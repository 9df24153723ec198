//! A cache of verified credentials. Clients that send their credential with every request need not
//! wait for the same hash each time.
//!
//! An entry is a keyed digest. The key is random and never leaves the process, so passwords cannot
//! be guessed from the digest. The stored hash is part of the digest, so that a change to the hash
//! invalidates the entry. The account itself is read every time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit as _, Mac as _, Output};
use password::{ExposeSecret as _, Secret};
use rand_core::CryptoRng;
use shared::clock::Timestamp;
use shared::users::{Account, UsernameKey};

/// The maximum number of accounts in the cache.
const CACHE_CAPACITY: usize = 64;

/// A cache of verified credentials, at most one per account.
pub(crate) struct CredentialCache {
    lifetime_seconds: u64,
    keyed: Blake2sMac256,
    entries: Mutex<HashMap<UsernameKey, Entry>>,
}

struct Entry {
    digest: Output<Blake2sMac256>,
    until: Timestamp,
}

impl std::fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialCache(..)")
    }
}

impl CredentialCache {
    /// Makes a cache whose entries live for `lifetime_seconds`; 0 disables it. `rng` generates its
    /// key.
    pub(crate) fn new(lifetime_seconds: u64, rng: &mut impl CryptoRng) -> Self {
        let mut key = blake2::digest::Key::<Blake2sMac256>::default();
        rng.fill_bytes(&mut key);
        Self {
            lifetime_seconds,
            keyed: Blake2sMac256::new(&key),
            entries: Mutex::default(),
        }
    }

    /// Whether this password was verified for this account with its current hash.
    pub(crate) fn recognises(&self, account: &Account, password: &Secret, now: Timestamp) -> bool {
        let entries = self.entries();
        let entry = entries
            .get(&account.profile.username)
            .filter(|entry| now < entry.until);
        // Compared in constant time.
        entry.is_some_and(|entry| self.mac(account, password).verify(&entry.digest).is_ok())
    }

    /// Adds a password that was verified for this account.
    pub(crate) fn remember(&self, account: &Account, password: &Secret, now: Timestamp) {
        if self.lifetime_seconds == 0 {
            return;
        }
        let mut entries = self.entries();
        if entries.len() >= CACHE_CAPACITY {
            entries.clear();
        }
        let entry = Entry {
            digest: self.mac(account, password).finalize().into_bytes(),
            until: now.plus_seconds(self.lifetime_seconds),
        };
        entries.insert(account.profile.username.clone(), entry);
    }

    fn mac(&self, account: &Account, password: &Secret) -> Blake2sMac256 {
        let stored = account.password_hash.as_ref();
        let stored = stored.map_or("", |stored| stored.expose_secret());
        // A PHC string contains no NUL, so different pairs give different inputs.
        self.keyed
            .clone()
            .chain_update(stored)
            .chain_update([0])
            .chain_update(password.expose_secret())
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<UsernameKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;
    use shared::users::Profile;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn cache(lifetime_seconds: u64) -> CredentialCache {
        CredentialCache::new(lifetime_seconds, &mut ChaCha20Rng::from_seed([1; 32]))
    }

    fn account(username: &str, hash: &str) -> Account {
        Account {
            profile: Profile {
                username: UsernameKey::new(username),
                display_username: username.to_owned(),
                id: 1,
                email: None,
                display_name: String::new(),
                brand: None,
                language: None,
            },
            roles: BTreeSet::new(),
            password_hash: Some(Secret::from(hash)),
            password_changed_at: None,
            password_expires_at: None,
            must_change_password: false,
            temporary: None,
            reset: None,
            disabled: false,
            email_failed_at: None,
            version: 0,
            sessions_valid_after: None,
        }
    }

    #[test]
    fn only_the_same_credential_of_the_same_hash_is_recognised() {
        let cache = cache(300);
        let (admin, right) = (account("admin", "$one"), Secret::from("right"));
        assert!(!cache.recognises(&admin, &right, NOW));
        cache.remember(&admin, &right, NOW);
        assert!(cache.recognises(&admin, &right, NOW));
        assert!(!cache.recognises(&admin, &Secret::from("Right"), NOW));
        assert!(!cache.recognises(&account("admin", "$two"), &right, NOW));
        assert!(!cache.recognises(&account("bob", "$one"), &right, NOW));
        assert!(cache.recognises(&admin, &right, Timestamp(1_299)));
        assert!(!cache.recognises(&admin, &right, Timestamp(1_300)));
    }

    #[test]
    fn nothing_is_remembered_when_it_is_off() {
        let cache = cache(0);
        let (admin, right) = (account("admin", "$one"), Secret::from("right"));
        cache.remember(&admin, &right, NOW);
        assert!(!cache.recognises(&admin, &right, NOW));
    }

    #[test]
    fn it_stays_small() {
        let cache = cache(300);
        for number in 0..10 * CACHE_CAPACITY {
            let admin = account(&number.to_string(), "$one");
            cache.remember(&admin, &Secret::from("right"), NOW);
        }
        assert!(cache.entries().len() <= CACHE_CAPACITY);
    }
}
