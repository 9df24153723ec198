//! Rate limits: the generic cell rate algorithm (GCRA, ITU-T I.371 annex A) in the Limits table.
//!
//! A key has one item, with one number for each of its quotas: the theoretical arrival time (TAT),
//! at which all uses so far would have arrived if they had come evenly spread. A use adds the
//! emission interval (period / uses) to the TAT, and is refused where that would lead further than
//! one period into the future. So the full quota may be used at once, and comes back evenly.
//!
//! A use is one conditional update of one item. Its condition compares the TAT with bounds and not
//! with what was read, so uses at the same moment do not disturb each other, and a use is refused
//! only if its quota is used up. Whoever cannot be counted is not admitted: errors are the caller's
//! to handle.
//!
//! Whoever keeps to a quota in every sliding window is always admitted. In the worst case (the full
//! quota at once, then every use that comes back) one period has twice the quota, less one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

use crate::clock::Timestamp;
use crate::context::RequestContext;
use crate::dynamodb::{Item, StoreError, get_number, get_text, number, text};
use crate::users::{Account, UsernameKey, Users};

/// Keys whose TATs are cached in the process.
const CACHE_CAPACITY: usize = 256;

/// How much longer than its quotas an item lives: uses beyond a quota count longer than one period.
const GRACE_SECONDS: u64 = 3_600;

/// TATs are in microseconds: an emission interval that was rounded to milliseconds would allow more
/// than the quota.
const MICROSECONDS: u64 = 1_000_000;

/// At most `uses` at once, which come back evenly within `seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    uses: u32,
    seconds: u64,
}

impl Quota {
    /// A quota for a minute; 0 uses for no limit.
    #[must_use]
    pub fn per_minute(uses: u32) -> Self {
        Self { uses, seconds: 60 }
    }

    /// A quota for an hour; 0 uses for no limit.
    #[must_use]
    pub fn per_hour(uses: u32) -> Self {
        let seconds = 3_600;
        Self { uses, seconds }
    }

    /// The attribute of the TAT.
    fn attribute(&self) -> String {
        format!("tat_{}", self.seconds)
    }

    /// The emission interval.
    fn interval(&self) -> u64 {
        self.seconds * MICROSECONDS / u64::from(self.uses.max(1))
    }

    /// The latest TAT at which a use is admitted at `now`.
    fn latest(&self, now: u64) -> u64 {
        now + self.seconds * MICROSECONDS - self.interval()
    }

    /// When a use is admitted next; `None` if it is admitted at `now`.
    fn refused_until(&self, tat: u64, now: u64) -> Option<u64> {
        let latest = self.latest(now);
        (tat > latest).then(|| now + (tat - latest))
    }
}

/// What is counted: the key of an item of the Limits table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimitKey(String);

impl RateLimitKey {
    /// A user name that was typed in, on file or not, as a digest: people type passwords into user
    /// name boxes.
    #[must_use]
    pub fn name(kind: &str, name: &UsernameKey) -> Self {
        Self(format!("{kind}#{}", name.digest()))
    }

    /// A user name that was typed in at one source.
    #[must_use]
    pub fn name_at_source(kind: &str, name: &UsernameKey, source: &str) -> Self {
        Self(format!("{kind}#{}#{}", name.digest(), network(source)))
    }

    /// The network that requests come from.
    #[must_use]
    pub fn source(kind: &str, source: &str) -> Self {
        Self(format!("{kind}-source#{}", network(source)))
    }
}

/// The well-known prefix of IPv4 addresses in IPv6, `64:ff9b::/96` (RFC 6052 section 2.1).
const NAT64: u128 = 0x0064_ff9b << 64;

/// The network of an address: of IPv6 the first 64 bits, which one customer has; an IPv4 address
/// that is written as an IPv6 one (mapped or NAT64) is that IPv4 address.
fn network(source: &str) -> String {
    match source.parse() {
        Ok(IpAddr::V6(address)) => network_v6(address),
        _ => source.to_owned(),
    }
}

fn network_v6(address: Ipv6Addr) -> String {
    let bits = address.to_bits();
    let translated = || {
        let [.., a, b, c, d] = address.octets();
        (bits >> 32 == NAT64).then(|| Ipv4Addr::new(a, b, c, d))
    };
    match address.to_ipv4_mapped().or_else(translated) {
        Some(address) => address.to_string(),
        None => format!("{}/64", Ipv6Addr::from_bits(bits >> 64 << 64)),
    }
}

/// A key and its quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    key: RateLimitKey,
    quotas: Vec<Quota>,
}

impl RateLimit {
    /// The quotas of a key; those of 0 uses limit nothing.
    #[must_use]
    pub fn new(key: RateLimitKey, quotas: impl IntoIterator<Item = Quota>) -> Self {
        let quotas = quotas.into_iter().filter(|quota| quota.uses > 0).collect();
        Self { key, quotas }
    }

    /// When the next use is admitted; `None` if one is admitted now.
    fn refused_until(&self, tats: &Tats, now: Timestamp) -> Option<Timestamp> {
        let quotas = self.quotas.iter().zip(&tats.0);
        let refusals =
            quotas.filter_map(|(quota, tat)| quota.refused_until((*tat)?, microseconds(now)));
        let until = refusals.max()?;
        Some(Timestamp(until.div_ceil(MICROSECONDS)))
    }

    fn longest_seconds(&self) -> u64 {
        let seconds = self.quotas.iter().map(|quota| quota.seconds);
        seconds.max().unwrap_or(0)
    }

    fn item_key(&self) -> Item {
        Item::from([("subject".to_owned(), text(&self.key.0))])
    }
}

fn microseconds(at: Timestamp) -> u64 {
    at.0.saturating_mul(MICROSECONDS)
}

/// The TAT of each quota of a limit, in their order; `None` where it is not known.
#[derive(Debug, Clone, Default)]
struct Tats(Vec<Option<u64>>);

impl Tats {
    fn read(limit: &RateLimit, item: &Item) -> Self {
        let quotas = limit.quotas.iter();
        Self(
            quotas
                .map(|quota| get_number(item, &quota.attribute()))
                .collect(),
        )
    }

    fn unknown(limit: &RateLimit) -> Self {
        Self(vec![None; limit.quotas.len()])
    }
}

/// What an update may add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// A TAT that leaves room for the use.
    Quota,
    /// Any TAT.
    None,
}

/// Whether a use was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It was.
    Admitted,
    /// The quota is used up.
    Refused {
        /// When the next use will be admitted.
        until: Timestamp,
    },
}

/// An account, unless whoever asks is limited.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is returned"
)]
pub enum Lookup {
    /// A quota is used up.
    Limited,
    /// None is; the account, if there is one.
    Found(Option<Account>),
}

/// The Limits table: key `subject`, items expire by `expires_at`.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    client: Client,
    table: String,
    /// What this process last saw of each key. TATs only grow, so a refusal by the cache is right.
    cache: Arc<Mutex<HashMap<String, Tats>>>,
}

impl RateLimiter {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self {
            client,
            table,
            cache: Arc::default(),
        }
    }

    /// Counts one use of the key, unless a quota is used up. One request; one or two more if the
    /// process had not seen lately whether the key is in use.
    pub async fn admit(
        &self,
        limit: &RateLimit,
        ctx: &RequestContext<'_>,
    ) -> Result<Admission, StoreError> {
        self.take(limit, Bound::Quota, ctx).await
    }

    /// Counts a use that has happened, also beyond the quota: what was too much is made up for by
    /// the refusal of later uses.
    pub async fn count(
        &self,
        limit: &RateLimit,
        ctx: &RequestContext<'_>,
    ) -> Result<(), StoreError> {
        self.take(limit, Bound::None, ctx).await.map(|_| ())
    }

    async fn take(
        &self,
        limit: &RateLimit,
        bound: Bound,
        ctx: &RequestContext<'_>,
    ) -> Result<Admission, StoreError> {
        if limit.quotas.is_empty() {
            return Ok(Admission::Admitted);
        }
        let mut tats = self.cached(limit);
        // A condition that fails says what the item is. It fails again only if it was missing or
        // idle and is in use now, once for each quota.
        for _ in 0..limit.quotas.len() + 2 {
            let until = limit.refused_until(&tats, ctx.now);
            if let Some(until) = until.filter(|_| bound == Bound::Quota) {
                return Ok(Admission::Refused { until });
            }
            match self.update(limit, &tats, bound, ctx).send().await {
                Ok(output) => {
                    let item = output.attributes.unwrap_or_default();
                    self.remember(limit, Tats::read(limit, &item));
                    return Ok(Admission::Admitted);
                }
                Err(error) => {
                    let Some(item) = condition_failure(&error) else {
                        return Err(StoreError::unavailable(error));
                    };
                    tats = Tats::read(limit, &item);
                    self.remember(limit, tats.clone());
                    // The SDK repeats a call whose answer is lost.
                    if get_text(&item, "request_id") == Some(ctx.request_id) {
                        return Ok(Admission::Admitted);
                    }
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Whether a quota of one of the limits is used up, as far as this process knows.
    #[must_use]
    pub fn is_exhausted_cached(&self, limits: &[RateLimit], now: Timestamp) -> bool {
        limits
            .iter()
            .any(|limit| limit.refused_until(&self.cached(limit), now).is_some())
    }

    /// Reads an account and its limits at once, and counts nothing.
    pub async fn find_unless_limited(
        &self,
        users: &Users,
        username: &UsernameKey,
        limits: &[RateLimit],
        now: Timestamp,
    ) -> Result<Lookup, StoreError> {
        let limits: Vec<_> = limits.iter().filter(|l| !l.quotas.is_empty()).collect();
        if limits.is_empty() {
            return Ok(Lookup::Found(users.find(username).await?));
        }
        let keys = limits.iter().map(|limit| limit.item_key());
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .consistent_read(true)
            .build()?;
        let (account, items) = users
            .find_item_with(username, (self.table.clone(), keys))
            .await?;
        for limit in limits {
            let is_of_limit = |item: &&Item| get_text(item, "subject") == Some(&limit.key.0);
            if let Some(item) = items.iter().find(is_of_limit) {
                let tats = Tats::read(limit, item);
                self.remember(limit, tats.clone());
                if limit.refused_until(&tats, now).is_some() {
                    return Ok(Lookup::Limited);
                }
            }
        }
        Ok(Lookup::Found(Users::account(account.as_ref())?))
    }

    /// Adds one use to each TAT. A TAT in the past begins anew at `now`; one in the future grows,
    /// which needs no knowledge of its value. Which of the two it is must be guessed, as DynamoDB
    /// has no maximum: of one use there is never a part left, and an unknown TAT is as good as
    /// missing or busy.
    fn update(
        &self,
        limit: &RateLimit,
        tats: &Tats,
        bound: Bound,
        ctx: &RequestContext<'_>,
    ) -> UpdateItemFluentBuilder {
        let now = microseconds(ctx.now);
        let mut request = self.client.update_item();
        let mut set = vec![
            "expires_at = :expires_at".to_owned(),
            "request_id = :request_id".to_owned(),
        ];
        let mut conditions = Vec::new();
        for (i, (quota, tat)) in limit.quotas.iter().zip(&tats.0).enumerate() {
            request = request.expression_attribute_names(format!("#tat{i}"), quota.attribute());
            let interval = quota.interval();
            let is_single = quota.uses == 1 && bound == Bound::Quota;
            if is_single || tat.is_some_and(|tat| tat <= now) {
                set.push(format!("#tat{i} = :next{i}"));
                conditions.push(format!(
                    "(attribute_not_exists(#tat{i}) OR #tat{i} <= :now)"
                ));
                let next = number(now + interval);
                request = request.expression_attribute_values(format!(":next{i}"), next);
            } else {
                set.push(format!(
                    "#tat{i} = if_not_exists(#tat{i}, :now) + :interval{i}"
                ));
                conditions.push(format!("(attribute_not_exists(#tat{i}) OR #tat{i} > :now)"));
                request =
                    request.expression_attribute_values(format!(":interval{i}"), number(interval));
                if bound == Bound::Quota {
                    conditions.push(format!(
                        "(attribute_not_exists(#tat{i}) OR #tat{i} <= :latest{i})"
                    ));
                    let latest = number(quota.latest(now));
                    request = request.expression_attribute_values(format!(":latest{i}"), latest);
                }
            }
        }
        let lifetime = limit.longest_seconds() + GRACE_SECONDS;
        let expires_at = ctx.now.plus_seconds(lifetime);
        request
            .table_name(&self.table)
            .set_key(Some(limit.item_key()))
            .update_expression(format!("SET {}", set.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":expires_at", number(expires_at.0))
            .expression_attribute_values(":request_id", text(ctx.request_id))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<String, Tats>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, limit: &RateLimit) -> Tats {
        let cached = self.cache().get(&limit.key.0).cloned();
        cached
            .filter(|tats| tats.0.len() == limit.quotas.len())
            .unwrap_or_else(|| Tats::unknown(limit))
    }

    fn remember(&self, limit: &RateLimit, tats: Tats) {
        let mut cache = self.cache();
        if cache.len() >= CACHE_CAPACITY {
            cache.clear();
        }
        cache.insert(limit.key.0.clone(), tats);
    }
}

/// The item that did not meet the condition of an update; `None` if the update failed otherwise.
fn condition_failure(error: &SdkError<UpdateItemError>) -> Option<Item> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failure) => {
            Some(failure.item().cloned().unwrap_or_default())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng as _, SeedableRng as _};

    use super::*;

    const NOW: u64 = 1_000 * MICROSECONDS;

    /// Counts one use in memory, as the update does; returns whether it was admitted.
    fn admit(quota: Quota, tat: &mut u64, now: u64) -> bool {
        if quota.refused_until(*tat, now).is_some() {
            return false;
        }
        *tat = now.max(*tat) + quota.interval();
        true
    }

    #[test]
    fn the_quota_comes_at_once_and_back_evenly() {
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

    /// For every quota there is, whoever keeps to it is admitted, and a burst gets no more.
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

    /// Against a sliding window, second by second, with traffic of every density.
    #[test]
    fn who_keeps_to_the_quota_in_every_window_is_admitted() {
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
                    // Who is over the quota tries now and then.
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

    #[test]
    fn names_are_not_in_the_keys() {
        let name = UsernameKey::new("p@55wOrd");
        let RateLimitKey(of_anyone) = RateLimitKey::name("reset", &name);
        assert!(!of_anyone.contains("p@55"), "{of_anyone}");
        let RateLimitKey(of_one) = RateLimitKey::name_at_source("login", &name, "192.0.2.1");
        assert!(of_one.ends_with("#192.0.2.1") && !of_one.contains("p@55"));
    }

    #[test]
    fn a_source_is_a_network() {
        for (source, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1"),
            ("64:ff9b::192.0.2.1", "192.0.2.1"),
            ("64:FF9B::c000:0201", "192.0.2.1"),
            // Neither the well-known prefix nor mapped.
            ("64:ff9b:1::192.0.2.1", "64:ff9b:1::/64"),
            ("::192.0.2.1", "::/64"),
            ("accounts", "accounts"),
            ("", ""),
        ] {
            assert_eq!(network(source), expected, "{source}");
        }
    }
}
