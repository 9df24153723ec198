//! The queue of pending resets, as `pending-reset-index` has it.

use futures_util::future::try_join_all;

use super::key::UsernameKey;
use super::queue;
use super::store::Users;
use crate::clock::Timestamp;
use crate::dynamodb::{StoreError, get_number, get_text, number, text};

/// Resets in an answer of `pending-reset-index`: below the 1 MB that an answer may have.
const PAGE: i32 = 1_000;

/// A pending reset as `pending-reset-index` has it.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The account.
    pub username: UsernameKey,
    /// When the next attempt is due; the beginning of time if that cannot be read.
    pub due_at: Timestamp,
}

impl Users {
    /// Resets whose next attempt is due by then, the longest waiting first: at most `limit` of each
    /// partition of the queue.
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
