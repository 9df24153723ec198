//! Counting of uses in the Limits table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

use super::quota::{RateLimit, Tats, microseconds};
use crate::clock::Timestamp;
use crate::context::RequestContext;
use crate::dynamodb::{Item, StoreError, get_text, number, text};
use crate::users::{Account, UsernameKey, Users};

/// The number of keys whose TATs are cached in the process.
const CACHE_CAPACITY: usize = 256;

/// The time for which an item is kept beyond the period of its longest quota, in seconds, because
/// uses beyond the quota count for more than one period.
const GRACE_SECONDS: u64 = 3_600;

/// The upper bound of a TAT to which a use may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// The latest TAT that leaves room for the use.
    Quota,
    /// No bound.
    None,
}

/// The result of counting a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The use was counted.
    Admitted,
    /// The quota is used up.
    Refused {
        /// The time at which the next use will be admitted.
        until: Timestamp,
    },
}

/// The result of looking up an account together with its limits.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is matched as soon as it is returned"
)]
pub enum Lookup {
    /// A quota is used up.
    Limited,
    /// No quota is used up. Contains the account, if it exists.
    Found(Option<Account>),
}

/// The Limits table: key `subject`, items expire at `expires_at`.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    client: Client,
    table: String,
    /// The TATs of each key that this process last saw. TATs only grow, so a refusal based on the
    /// cache is correct.
    cache: Arc<Mutex<HashMap<String, Tats>>>,
}

impl RateLimiter {
    /// Uses the table with this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self {
            client,
            table,
            cache: Arc::default(),
        }
    }

    /// Counts one use of the key, unless a quota is used up. Makes one call to DynamoDB, or two if
    /// the key is in use in another process and the cache does not show it yet. Makes none if the
    /// cache shows that a quota is used up, or if there is no quota.
    pub async fn admit(
        &self,
        limit: &RateLimit,
        ctx: &RequestContext<'_>,
    ) -> Result<Admission, StoreError> {
        self.take(limit, Bound::Quota, ctx).await
    }

    /// Counts a use that has already happened, even beyond the quota. The excess is made up for by
    /// refusing later uses.
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
        // A failed condition returns the current item. The condition can fail again only if a TAT
        // was missing or in the past and another use has changed it since, which happens at most
        // once per quota.
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
                    // The use is already counted: the SDK repeats a call if its answer is lost.
                    if get_text(&item, "request_id") == Some(ctx.request_id) {
                        return Ok(Admission::Admitted);
                    }
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Whether a quota of one of the limits is used up according to the cache of this process.
    #[must_use]
    pub fn is_exhausted_cached(&self, limits: &[RateLimit], now: Timestamp) -> bool {
        limits
            .iter()
            .any(|limit| limit.refused_until(&self.cached(limit), now).is_some())
    }

    /// Reads an account and its limits in one call, without counting a use.
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

    /// Makes the update that adds one use to each TAT: `max(tat, now) + interval`.
    ///
    /// DynamoDB has no `max`, so the update assumes that a TAT is either in the past or in the
    /// future, and its condition checks the assumption. The cached TAT tells which. A quota of a
    /// single use admits one only if the TAT is in the past. A TAT that is not cached is assumed to
    /// be missing or in the past: a new process rarely meets a key that is in use at that moment,
    /// but often one whose last use is over, since DynamoDB may take days to delete expired items.
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
            if is_single || tat.is_none_or(|tat| tat <= now) {
                set.push(format!("#tat{i} = :next{i}"));
                conditions.push(format!(
                    "(attribute_not_exists(#tat{i}) OR #tat{i} <= :now)"
                ));
                let next = number(now + interval);
                request = request.expression_attribute_values(format!(":next{i}"), next);
            } else {
                set.push(format!("#tat{i} = #tat{i} + :interval{i}"));
                conditions.push(format!("#tat{i} > :now"));
                request =
                    request.expression_attribute_values(format!(":interval{i}"), number(interval));
                if bound == Bound::Quota {
                    conditions.push(format!("#tat{i} <= :latest{i}"));
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

/// The item that did not meet the condition of an update. `None` if the update failed in another
/// way.
fn condition_failure(error: &SdkError<UpdateItemError>) -> Option<Item> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failure) => {
            Some(failure.item().cloned().unwrap_or_default())
        }
        _ => None,
    }
}
