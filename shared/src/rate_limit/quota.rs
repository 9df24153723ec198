//! The arithmetic of GCRA.

use super::key::RateLimitKey;
use crate::clock::Timestamp;
use crate::dynamodb::{Item, get_number, text};

/// Microseconds per second. TATs are in microseconds, because emission intervals rounded to
/// milliseconds would allow more uses than the quota.
pub(super) const MICROSECONDS: u64 = 1_000_000;

/// A quota: at most `uses` at once, which are restored evenly within `seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub(super) uses: u32,
    seconds: u64,
}

impl Quota {
    /// A quota per minute. 0 uses mean no limit.
    #[must_use]
    pub fn per_minute(uses: u32) -> Self {
        Self { uses, seconds: 60 }
    }

    /// A quota per hour. 0 uses mean no limit.
    #[must_use]
    pub fn per_hour(uses: u32) -> Self {
        let seconds = 3_600;
        Self { uses, seconds }
    }

    /// The name of the attribute with the TAT.
    pub(super) fn attribute(&self) -> String {
        format!("tat_{}", self.seconds)
    }

    /// The emission interval, in microseconds.
    pub(super) fn interval(&self) -> u64 {
        self.seconds * MICROSECONDS / u64::from(self.uses.max(1))
    }

    /// The latest TAT at which a use is admitted at `now`.
    pub(super) fn latest(&self, now: u64) -> u64 {
        now + self.seconds * MICROSECONDS - self.interval()
    }

    /// The time at which the next use is admitted. `None` if that is `now`.
    pub(super) fn refused_until(&self, tat: u64, now: u64) -> Option<u64> {
        let latest = self.latest(now);
        (tat > latest).then(|| now + (tat - latest))
    }
}

/// A key and its quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    pub(super) key: RateLimitKey,
    pub(super) quotas: Vec<Quota>,
}

impl RateLimit {
    /// Limits a key to quotas. Ignores quotas of 0 uses.
    #[must_use]
    pub fn new(key: RateLimitKey, quotas: impl IntoIterator<Item = Quota>) -> Self {
        let quotas = quotas.into_iter().filter(|quota| quota.uses > 0).collect();
        Self { key, quotas }
    }

    /// The time at which the next use is admitted. `None` if that is `now`.
    pub(super) fn refused_until(&self, tats: &Tats, now: Timestamp) -> Option<Timestamp> {
        let quotas = self.quotas.iter().zip(&tats.0);
        let refusals =
            quotas.filter_map(|(quota, tat)| quota.refused_until((*tat)?, microseconds(now)));
        let until = refusals.max()?;
        Some(Timestamp(until.div_ceil(MICROSECONDS)))
    }

    pub(super) fn longest_seconds(&self) -> u64 {
        let seconds = self.quotas.iter().map(|quota| quota.seconds);
        seconds.max().unwrap_or(0)
    }

    pub(super) fn item_key(&self) -> Item {
        Item::from([("subject".to_owned(), text(&self.key.0))])
    }
}

pub(super) fn microseconds(at: Timestamp) -> u64 {
    at.0.saturating_mul(MICROSECONDS)
}

/// The TATs of a limit, in the order of its quotas. `None` if unknown.
#[derive(Debug, Clone, Default)]
pub(super) struct Tats(pub(super) Vec<Option<u64>>);

impl Tats {
    pub(super) fn read(limit: &RateLimit, item: &Item) -> Self {
        let quotas = limit.quotas.iter();
        Self(
            quotas
                .map(|quota| get_number(item, &quota.attribute()))
                .collect(),
        )
    }

    pub(super) fn unknown(limit: &RateLimit) -> Self {
        Self(vec![None; limit.quotas.len()])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    use super::*;

    const NOW: u64 = 1_000 * MICROSECONDS;

    /// Counts one use in memory, like the update. Returns whether it was admitted.
    fn admit(quota: Quota, tat: &mut u64, now: u64) -> bool {
        if quota.refused_until(*tat, now).is_some() {
            return false;
        }
        *tat = now.max(*tat) + quota.interval();
        true
    }

    #[test]
    fn the_quota_is_available_at_once_and_restored_evenly() {
        let (quota, mut tat) = (Quota::per_minute(3), 0);
        let mut at = |seconds: u64| admit(quota, &mut tat, NOW + seconds * MICROSECONDS);
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(19), at(20), at(20)], [false, true, false]);
        assert_eq!([at(59), at(60), at(60)], [true, true, false]);
    }

    #[test]
    fn a_refusal_says_when_it_ends() {
        let limit = RateLimit::new(
            RateLimitKey::source("test", "192.0.2.1"),
            [Quota::per_minute(1), Quota::per_hour(5)],
        );
        let now = Timestamp(1_000);
        let refused = |minute, hour| limit.refused_until(&Tats(vec![minute, hour]), now);
        assert_eq!(refused(None, None), None);
        assert_eq!(refused(Some(NOW), Some(NOW + 2_880 * MICROSECONDS)), None);
        assert_eq!(refused(Some(NOW + 1), None), Some(Timestamp(1_001)));
        let full = Some(NOW + 3_600 * MICROSECONDS);
        assert_eq!(refused(Some(NOW), full), Some(Timestamp(1_720)));
    }

    /// Evenly spaced uses are admitted for every possible quota, and a burst gets no more than the
    /// quota.
    #[test]
    fn a_burst_is_the_quota_exactly() {
        for uses in 1..=1_000 {
            for quota in [Quota::per_minute(uses), Quota::per_hour(uses)] {
                let mut tat = 0;
                let admitted = (0..=uses).filter(|_| admit(quota, &mut tat, NOW)).count();
                assert_eq!(admitted, uses as usize);
                let next_period = NOW + quota.seconds * MICROSECONDS;
                let mut again = 0..uses;
                assert!(again.all(|_| admit(quota, &mut tat, next_period)));
            }
        }
    }

    /// Compares with a sliding window, second by second, for traffic of every density.
    #[test]
    fn uses_within_the_quota_of_every_window_are_admitted() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        for uses in [1, 2, 5, 7, 60] {
            let quota = Quota::per_minute(uses);
            for _ in 0..200 {
                let (mut tat, mut kept, mut admitted) = (0, VecDeque::new(), VecDeque::new());
                let pause = 1 + rng.next_u64() % 20;
                let mut now = 1_000;
                for _ in 0..300 {
                    now += rng.next_u64() % pause;
                    kept.retain(|at| at + 60 > now);
                    admitted.retain(|at| at + 60 > now);
                    let keeps_to_it = kept.len() < uses as usize;
                    // A caller over the quota tries from time to time.
                    if !keeps_to_it && rng.next_u64() % 3 > 0 {
                        continue;
                    }
                    let is_admitted = admit(quota, &mut tat, now * MICROSECONDS);
                    if is_admitted {
                        admitted.push_back(now);
                    }
                    kept.push_back(now);
                    assert!(is_admitted || kept.len() > uses as usize, "{uses} at {now}");
                    assert!(admitted.len() < 2 * uses as usize, "{uses} at {now}");
                }
            }
        }
    }

    #[test]
    fn no_quota_is_no_limit() {
        let key = RateLimitKey::source("test", "");
        let quotas = [Quota::per_minute(0), Quota::per_hour(0)];
        assert!(RateLimit::new(key, quotas).quotas.is_empty());
    }
}
