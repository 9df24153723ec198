//! Time as a value: operations take a [`Timestamp`], and only [`Clock::system`] reads the clock.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::macros::format_description;

/// A time in seconds since the Unix epoch, as in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Adds `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Formats the time as RFC 3339 in UTC, to the second: `2026-11-21T22:34:15Z`. Such
    /// strings sort chronologically.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
    }

    /// Formats the time as an IMF-fixdate (RFC 9110 section 5.6.7), as in `Set-Cookie`: `Sat, 21
    /// Nov 2026 22:34:15 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        self.format(format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ))
    }

    /// Formats the time as in emails: `2026-11-21 22:34 UTC`.
    #[must_use]
    pub fn for_people(self) -> String {
        self.format(format_description!(
            "[year]-[month]-[day] [hour]:[minute] UTC"
        ))
    }

    fn format(self, description: &[time::format_description::BorrowedFormatItem<'_>]) -> String {
        i64::try_from(self.0)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .and_then(|at| at.format(description).ok())
            .unwrap_or_else(|| self.0.to_string())
    }
}

/// A source of the time: the system clock, or a function in tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the clock"
            )]
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
            Timestamp(since_epoch.map_or(0, |elapsed| elapsed.as_secs()))
        })
    }

    /// Makes a clock that calls `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_in_utc() {
        let at = Timestamp(1_795_300_455);
        assert_eq!(at.rfc3339(), "2026-11-21T22:34:15Z");
        assert_eq!(at.for_people(), "2026-11-21 22:34 UTC");
        assert_eq!(at.http_date(), "Sat, 21 Nov 2026 22:34:15 GMT");
    }
}
