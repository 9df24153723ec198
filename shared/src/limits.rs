//! How often something may happen: sliding windows in the Limits table.
//!
//! Every subject has one item with the times of its uses. A use is written on the condition that
//! the item is still as it was read, so that no two requests can take the last one. What cannot be
//! counted counts as limited.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, KeysAndAttributes, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use crate::attribute::{number, text};
use crate::clock::Timestamp;
use crate::users::UsernameKey;

/// Pauses before a count that met another one is tried again.
const PAUSES_MS: [u64; 5] = [5, 10, 20, 40, 80];

/// The uses of one subject that are kept: more than a rule can allow.
const MOST_USES: usize = 1_200;
/// Subjects whose uses are remembered.
const REMEMBERED: usize = 256;

/// At most `uses` in any `seconds`; 0 uses for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many.
    pub uses: u32,
    /// In what time.
    pub seconds: u64,
}

impl Rule {
    /// At most `uses` in any minute.
    #[must_use]
    pub fn per_minute(uses: u32) -> Self {
        Self { uses, seconds: 60 }
    }

    /// At most `uses` in any hour.
    #[must_use]
    pub fn per_hour(uses: u32) -> Self {
        let seconds = 3_600;
        Self { uses, seconds }
    }
}

/// Something that is counted, and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    key: String,
    rules: Vec<Rule>,
}

impl Subject {
    /// A user name that was typed in, on file or not; from one source only, if one is given. The
    /// key is a digest: people type passwords into user name boxes.
    #[must_use]
    pub fn name(
        kind: &str,
        name: &UsernameKey,
        source: Option<&str>,
        rules: impl IntoIterator<Item = Rule>,
    ) -> Self {
        let digest = name.digest();
        let source = source.map_or_else(String::new, |source| format!("#{}", network(source)));
        Self::new(format!("{kind}#{digest}{source}"), rules)
    }

    /// Where requests come from, as the gateway saw it.
    #[must_use]
    pub fn source(kind: &str, source: &str, rules: impl IntoIterator<Item = Rule>) -> Self {
        Self::new(format!("{kind}-source#{}", network(source)), rules)
    }

    fn new(key: String, rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules = rules.into_iter().filter(|rule| rule.uses > 0).collect();
        Self { key, rules }
    }

    fn longest(&self) -> u64 {
        self.rules
            .iter()
            .map(|rule| rule.seconds)
            .max()
            .unwrap_or(0)
    }

    /// The uses after one more at this time; nothing when a rule does not allow one more.
    fn one_more(&self, uses: &[u64], now: Timestamp) -> Option<Vec<u64>> {
        let is_allowed = self
            .rules
            .iter()
            .all(|rule| within(uses, rule.seconds, now).count() < rule.uses as usize);
        is_allowed.then(|| self.with_one_more(uses, now))
    }

    /// The uses after one more at this time, whatever the rules allow.
    fn with_one_more(&self, uses: &[u64], now: Timestamp) -> Vec<u64> {
        let mut uses: Vec<_> = within(uses, self.longest(), now).chain([now.0]).collect();
        let oldest = uses.len().saturating_sub(MOST_USES);
        uses.drain(..oldest);
        uses
    }
}

/// The uses in so many seconds up to now.
fn within(uses: &[u64], seconds: u64, now: Timestamp) -> impl Iterator<Item = u64> {
    let uses = uses.iter().copied();
    uses.filter(move |at| at + seconds > now.0)
}

/// The network of an address: for IPv6 its first 64 bits, of which one customer has all.
fn network(source: &str) -> String {
    match source.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => source.to_owned(),
    }
}

/// Why a use could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// Too many others were at it.
    #[error("the limits are too busy")]
    Busy,
    /// DynamoDB refused or did not answer.
    #[error("DynamoDB failed")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LimitsError {
    fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<BuildError> for LimitsError {
    fn from(error: BuildError) -> Self {
        Self::unavailable(error)
    }
}

/// A table and what to read of it.
pub type Reads = (String, KeysAndAttributes);

type Item = HashMap<String, AttributeValue>;

/// The Limits table: key `subject`, items expire by `expires_at`.
#[derive(Debug, Clone)]
pub struct Limits {
    client: Client,
    table: String,
    /// What this process saw last: one request is enough as long as no other one wrote since.
    remembered: Arc<Mutex<HashMap<String, Vec<u64>>>>,
}

impl Limits {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self {
            client,
            table,
            remembered: Arc::default(),
        }
    }

    /// Counts one use of every subject, or of none if one of them has none left; true if counted.
    /// One request where the subjects were not used lately, or by this process last.
    pub async fn admit(&self, subjects: &[Subject], now: Timestamp) -> Result<bool, LimitsError> {
        self.count_if(subjects, now, Subject::one_more).await
    }

    /// Counts one use of every subject, whether there was one left or not.
    pub async fn count(&self, subjects: &[Subject], now: Timestamp) -> Result<(), LimitsError> {
        let next = |subject: &Subject, uses: &[u64], now| Some(subject.with_one_more(uses, now));
        self.count_if(subjects, now, next).await.map(|_| ())
    }

    async fn count_if(
        &self,
        subjects: &[Subject],
        now: Timestamp,
        next: impl Fn(&Subject, &[u64], Timestamp) -> Option<Vec<u64>>,
    ) -> Result<bool, LimitsError> {
        let subjects = limited(subjects);
        if subjects.is_empty() {
            return Ok(true);
        }
        let mut seen = self.recall(&subjects);
        let mut pauses = PAUSES_MS.iter();
        loop {
            let uses = subjects.iter().zip(&seen).map(|(subject, seen)| {
                let uses = next(subject, seen.as_deref().unwrap_or_default(), now)?;
                Some((*subject, uses))
            });
            let Some(uses) = uses.collect::<Option<Vec<_>>>() else {
                self.remember(&subjects, seen);
                return Ok(false);
            };
            let updates = self.updates(&uses, &seen, now)?;
            let request = self.client.transact_write_items();
            let Err(error) = request.set_transact_items(Some(updates)).send().await else {
                let uses = uses.into_iter().map(|(_, uses)| Some(uses)).collect();
                self.remember(&subjects, uses);
                return Ok(true);
            };
            let has_news = learn(&mut seen, cancellation(&error));
            match (has_news, pauses.next()) {
                (Some(_), None) => return Err(LimitsError::Busy),
                (Some(true), Some(_)) => {}
                (Some(false), Some(pause)) => {
                    tokio::time::sleep(Duration::from_millis(*pause)).await;
                }
                (None, _) => return Err(LimitsError::unavailable(error)),
            }
        }
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<String, Vec<u64>>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The uses of each subject, as far as this process knows.
    fn recall(&self, subjects: &[&Subject]) -> Vec<Option<Vec<u64>>> {
        let remembered = self.remembered();
        let uses = subjects.iter().map(|subject| remembered.get(&subject.key));
        uses.map(Option::<&_>::cloned).collect()
    }

    fn remember(&self, subjects: &[&Subject], seen: Vec<Option<Vec<u64>>>) {
        let mut remembered = self.remembered();
        if remembered.len() + subjects.len() > REMEMBERED {
            remembered.clear();
        }
        for (subject, uses) in subjects.iter().zip(seen) {
            remembered.extend(uses.map(|uses| (subject.key.clone(), uses)));
        }
    }

    /// Whether a subject has no use left, as far as this process knows: uses grow old, but none is
    /// taken back.
    #[must_use]
    pub fn is_known_used_up(&self, subjects: &[Subject], now: Timestamp) -> bool {
        let subjects = limited(subjects);
        let seen = self.recall(&subjects);
        let mut seen = subjects.iter().zip(seen);
        seen.any(|(subject, uses)| is_used_up(subject, uses, now))
    }

    /// What to read to know whether a subject has no use left: the table and its keys. Nothing
    /// when there are no limits.
    pub fn reads(&self, subjects: &[Subject]) -> Result<Option<Reads>, LimitsError> {
        let subjects = limited(subjects);
        if subjects.is_empty() {
            return Ok(None);
        }
        let keys = subjects.iter().map(|subject| key(subject));
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .consistent_read(true)
            .build()?;
        Ok(Some((self.table.clone(), keys)))
    }

    /// Whether a subject has no use left, by the items that [`Limits::reads`] asked for.
    #[must_use]
    pub fn is_used_up(&self, subjects: &[Subject], items: &[Item], now: Timestamp) -> bool {
        let subjects = limited(subjects);
        let seen = subjects.iter().map(|subject| {
            let subject = text(&subject.key);
            let mut items = items.iter();
            let item = items.find(|item| item.get("subject") == Some(&subject));
            item.map(uses)
        });
        let seen: Vec<_> = seen.collect();
        self.remember(&subjects, seen.clone());
        let mut seen = subjects.iter().zip(seen);
        seen.any(|(subject, uses)| is_used_up(subject, uses, now))
    }

    /// The new uses of each subject, on the condition that it is as it was seen.
    fn updates(
        &self,
        uses: &[(&Subject, Vec<u64>)],
        seen: &[Option<Vec<u64>>],
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let updates = uses.iter().zip(seen).map(|((subject, uses), seen)| {
            let update = self.update(subject, uses, seen.as_deref(), now)?;
            Ok(TransactWriteItem::builder().update(update).build())
        });
        updates.collect()
    }

    fn update(
        &self,
        subject: &Subject,
        uses: &[u64],
        seen: Option<&[u64]>,
        now: Timestamp,
    ) -> Result<Update, BuildError> {
        let expires_at = now.plus_seconds(subject.longest());
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(subject)))
            .update_expression("SET #uses = :uses, expires_at = :expires_at")
            .expression_attribute_names("#uses", "uses")
            .expression_attribute_values(":uses", list(uses))
            .expression_attribute_values(":expires_at", number(expires_at.0))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match seen {
            Some(seen) => update
                .condition_expression("#uses = :seen")
                .expression_attribute_values(":seen", list(seen)),
            None => update
                .condition_expression("attribute_not_exists(subject) OR expires_at <= :now")
                .expression_attribute_values(":now", number(now.0)),
        }
        .build()
    }
}

fn is_used_up(subject: &Subject, uses: Option<Vec<u64>>, now: Timestamp) -> bool {
    uses.is_some_and(|uses| subject.one_more(&uses, now).is_none())
}

fn limited(subjects: &[Subject]) -> Vec<&Subject> {
    subjects
        .iter()
        .filter(|subject| !subject.rules.is_empty())
        .collect()
}

fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}

/// Takes over what the items really are. Whether that was news; nothing when the reasons are of
/// another kind than other requests at work on the same subjects.
fn learn(seen: &mut [Option<Vec<u64>>], reasons: Option<&[CancellationReason]>) -> Option<bool> {
    let mut has_news = None;
    for (seen, reason) in seen.iter_mut().zip(reasons?) {
        match reason.code() {
            Some("ConditionalCheckFailed") => {
                *seen = reason.item().map(uses);
                has_news = Some(true);
            }
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => {
                has_news = has_news.or(Some(false));
            }
            _ => {}
        }
    }
    has_news
}

fn uses(item: &HashMap<String, AttributeValue>) -> Vec<u64> {
    let uses = item.get("uses").and_then(|uses| uses.as_l().ok());
    uses.into_iter()
        .flatten()
        .filter_map(|at| at.as_n().ok()?.parse().ok())
        .collect()
}

fn key(subject: &Subject) -> HashMap<String, AttributeValue> {
    HashMap::from([("subject".to_owned(), text(&subject.key))])
}

fn list(times: &[u64]) -> AttributeValue {
    AttributeValue::L(times.iter().map(|at| number(*at)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(rules: &[Rule]) -> Subject {
        Subject::source("test", "192.0.2.1", rules.iter().copied())
    }

    #[test]
    fn windows_slide() {
        let subject = subject(&[Rule::per_minute(2), Rule::per_hour(3)]);
        let at = |now| Timestamp(now);
        assert_eq!(subject.one_more(&[], at(10_000)), Some(vec![10_000]));
        assert_eq!(
            subject.one_more(&[10_000], at(10_059)),
            Some(vec![10_000, 10_059])
        );
        assert_eq!(subject.one_more(&[10_000, 10_059], at(10_059)), None);
        assert_eq!(
            subject.one_more(&[10_000, 10_059], at(10_060)),
            Some(vec![10_000, 10_059, 10_060])
        );
        assert_eq!(
            subject.one_more(&[10_000, 10_059, 10_060], at(13_599)),
            None
        );
        assert_eq!(
            subject.one_more(&[10_000, 10_059, 10_060], at(13_600)),
            Some(vec![10_059, 10_060, 13_600])
        );
    }

    #[test]
    fn no_rule_is_no_limit() {
        let unlimited = subject(&[Rule::per_minute(0), Rule::per_hour(0)]);
        assert!(limited(&[unlimited]).is_empty());
    }

    #[test]
    fn names_are_not_in_the_keys() {
        let name = UsernameKey::new("p@55wOrd");
        let of_anyone = Subject::name("reset", &name, None, []);
        assert!(!of_anyone.key.contains("p@55"), "{}", of_anyone.key);
        let of_one_source = Subject::name("login", &name, Some("192.0.2.1"), []);
        assert!(of_one_source.key.ends_with("#192.0.2.1"));
    }

    #[test]
    fn a_source_is_a_network() {
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::7"), "2001:db8:1:2::/64");
        assert_eq!(network(""), "");
    }
}
