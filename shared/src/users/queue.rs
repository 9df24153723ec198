//! The partitions of `pending-reset-index`, the queue of pending resets.

use sha2::{Digest as _, Sha256};

use super::key::UsernameKey;

/// The number of partitions. One partition allows 1,000 writes per second (DynamoDB developer
/// guide, "Partitions"), and a reset makes two. So eight allow 4,000 resets per second, twice what
/// Lambda's default concurrency of 1,000 allows. Every sweep queries each of them.
const SHARDS: u8 = 8;

/// The partition of resets from versions without shards. It is empty a day after the last such
/// version ran: by then, its resets have been mailed or abandoned.
const UNSHARDED: &str = "pending";

/// The partition of this account's reset.
pub(super) fn shard(username: &UsernameKey) -> String {
    let digest = Sha256::digest(username.as_str());
    name(digest.first().map_or(0, |byte| byte % SHARDS))
}

/// All partitions that may contain a reset.
pub(super) fn shards() -> impl Iterator<Item = String> {
    (0..SHARDS).map(name).chain([UNSHARDED.to_owned()])
}

fn name(shard: u8) -> String {
    format!("pending#{shard:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change would hide the resets that earlier versions have queued.
    #[test]
    fn the_shard_of_an_account_does_not_change() {
        for (username, expected) in [("jdoe", "pending#03"), ("é", "pending#02")] {
            assert_eq!(shard(&UsernameKey::new(username)), expected, "{username}");
        }
    }

    #[test]
    fn accounts_are_spread_over_the_numbered_shards() {
        let shards: Vec<_> = shards().collect();
        assert_eq!(shards.len(), 9);
        for of_all in &shards[..8] {
            let is_here = |n: &u32| shard(&UsernameKey::new(&format!("user-{n}"))) == *of_all;
            let here = (0..800).filter(is_here).count();
            assert!((50..150).contains(&here), "{of_all}: {here}");
        }
        assert_eq!(shards[8], "pending");
    }
}
