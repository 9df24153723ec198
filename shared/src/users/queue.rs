//! The queue of pending resets: the partitions of `pending-reset-index`.

use sha2::{Digest as _, Sha256};

use super::key::UsernameKey;

/// A partition takes 1,000 writes a second (DynamoDB developer guide, "Partitions"), and a reset
/// makes two: eight take 4,000 resets a second, twice what the usual 1,000 instances can make. Every
/// sweep asks each of them.
const SHARDS: u8 = 8;

/// Where versions without shards put their resets. None of these can be left a day after the last
/// such version ran: by then they are mailed or abandoned.
const UNSHARDED: &str = "pending";

/// The partition that holds this account's reset.
pub(super) fn shard(username: &UsernameKey) -> String {
    let digest = Sha256::digest(username.as_str());
    name(digest.first().map_or(0, |byte| byte % SHARDS))
}

/// All partitions that may hold a reset.
pub(super) fn shards() -> impl Iterator<Item = String> {
    (0..SHARDS).map(name).chain([UNSHARDED.to_owned()])
}

fn name(shard: u8) -> String {
    format!("pending#{shard:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A running system finds a reset where an earlier process put it.
    #[test]
    fn an_account_stays_in_its_shard() {
        for (username, expected) in [("jdoe", "pending#03"), ("é", "pending#02")] {
            assert_eq!(shard(&UsernameKey::new(username)), expected, "{username}");
        }
    }

    #[test]
    fn accounts_are_spread_over_all_shards_that_are_asked() {
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
