//! Reading the queue of pending resets, the index `pending-reset-index`.

use futures_util::future::try_join_all;

use super::item::{self, Due, PendingReset};
use super::key::UsernameKey;
use super::queue;
use super::store::Users;
use crate::clock::Timestamp;
use crate::dynamodb::{Item, StoreError, get_number, get_text, number, text};

/// The page size of queries of `pending-reset-index`, which keeps a page below DynamoDB's limit of
/// 1 MB.
const PAGE: i32 = 1_000;

/// An entry of `pending-reset-index`.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The account.
    pub username: UsernameKey,
    /// The time at which the next attempt is due; 0 if it cannot be read.
    pub due_at: Timestamp,
}

/// The state of a pending reset, according to the account's item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PendingState {
    /// A sweep will finish it.
    Queued(PendingReset),
    /// The next sweep will remove it from the queue, because a required attribute is missing or
    /// malformed.
    Unreadable,
    /// No sweep will find it: it is not in `pending-reset-index`, or not in a partition that sweeps
    /// read.
    Stranded,
}

/// The attributes of a pending reset. A consistent item has all of them or none.
pub const RESET_ATTRIBUTES: [&str; 3] = ["reset", "reset_queue", "reset_due_at"];

/// The state of the pending reset of an item. `None` if it has none.
#[must_use]
pub fn pending_state(item: &Item) -> Option<PendingState> {
    RESET_ATTRIBUTES
        .iter()
        .find(|name| item.contains_key(**name))?;
    let queue = get_text(item, "reset_queue");
    let is_seen = queue.is_some_and(|queue| queue::shards().any(|shard| shard == queue));
    Some(match item::due(item, Timestamp(u64::MAX)) {
        Due::Yes(_, reset) if is_seen => PendingState::Queued(reset),
        Due::Unreadable if is_seen => PendingState::Unreadable,
        _ => PendingState::Stranded,
    })
}

impl Users {
    /// Reads the resets whose next attempt is due by `until`, oldest first, at most `limit` from
    /// each partition of the queue.
    pub async fn queued(&self, until: Timestamp, limit: usize) -> Result<Vec<Queued>, StoreError> {
        let shards = queue::shards().map(|shard| self.queued_in(shard, until, limit));
        let mut queued = try_join_all(shards).await?.concat();
        queued.sort_by_key(|queued| queued.due_at);
        Ok(queued)
    }

    async fn queued_in(
        &self,
        shard: String,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError> {
        let pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("pending-reset-index")
            .key_condition_expression("reset_queue = :queue AND reset_due_at <= :until")
            .expression_attribute_values(":queue", text(&shard))
            .expression_attribute_values(":until", number(until.0))
            .into_paginator();
        let mut keys = pages.page_size(PAGE).items().send();
        let mut queued = Vec::new();
        while queued.len() < limit
            && let Some(key) = keys.try_next().await.map_err(StoreError::unavailable)?
        {
            let username = get_text(&key, "username").ok_or(StoreError::Malformed)?;
            queued.push(Queued {
                username: UsernameKey::stored(username.to_owned()),
                due_at: Timestamp(get_number(&key, "reset_due_at").unwrap_or_default()),
            });
        }
        Ok(queued)
    }
}
