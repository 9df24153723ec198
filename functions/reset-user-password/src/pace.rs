//! The pace of a sweep: how fast it emails, and when it ends.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::delivery::ResetOutcome;

/// The time during which a sweep starts new emails, until the next sweep takes over. Resets in
/// progress take up to 15 seconds more, which is within the function's timeout of 80 seconds.
const TIME_BUDGET: Duration = Duration::from_mins(1);
/// The number of consecutive failures of SES after which a sweep leaves the rest to the next one.
const MAX_CONSECUTIVE_FAILURES: u32 = 5;

/// A limiter of the attempts of a sweep.
#[derive(Debug)]
pub(crate) struct Pace {
    turns: Mutex<Interval>,
    end: Instant,
    failures: AtomicU32,
}

impl Pace {
    /// Starts the pace of a sweep that begins now.
    pub(crate) fn begin(mails_per_second: u32) -> Self {
        let mut turns = interval(Duration::from_secs(1) / mails_per_second.max(1));
        // Missed turns are skipped, since catching up would cause a burst.
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            turns: Mutex::new(turns),
            end: Instant::now() + TIME_BUDGET,
            failures: AtomicU32::new(0),
        }
    }

    /// Waits until another email may be sent, in the order of the calls. Returns `false` if the
    /// sweep is over.
    pub(crate) async fn turn(&self) -> bool {
        let mut turns = self.turns.lock().await;
        if !self.is_over() {
            turns.tick().await;
        }
        !self.is_over()
    }

    /// Whether the time is up or SES is down.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end
            || self.failures.load(Ordering::Relaxed) >= MAX_CONSECUTIVE_FAILURES
    }

    /// Records whether SES worked in an attempt.
    pub(crate) fn record(&self, outcome: &ResetOutcome) {
        match outcome {
            ResetOutcome::MailUnavailable { .. } => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            ResetOutcome::Done
            | ResetOutcome::MailNotAccepted { .. }
            | ResetOutcome::Superseded => {
                self.failures.store(0, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 50,000 resets in an hour need 14 emails every second.
    #[tokio::test(start_paused = true)]
    async fn a_sweep_mails_at_its_rate_until_the_next_one_begins() {
        let began = Instant::now();
        let pace = Pace::begin(14);
        let mut turns = 0;
        while pace.turn().await {
            turns += 1;
        }
        assert_eq!(turns, 60 * 14);
        assert_eq!(began.elapsed().as_secs(), 60);
    }

    /// Emails that a slow SES delayed are not sent in a burst afterwards.
    #[tokio::test(start_paused = true)]
    async fn missed_turns_are_skipped() {
        let pace = Pace::begin(10);
        assert!(pace.turn().await);
        tokio::time::sleep(Duration::from_millis(5_050)).await;
        let resumed = Instant::now();
        for _ in 0..=10 {
            assert!(pace.turn().await);
        }
        // The first turn comes at once.
        assert_eq!(resumed.elapsed().as_millis(), 950);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_end_a_sweep() {
        let pace = Pace::begin(10);
        let reason = || "no answer".to_owned();
        let unavailable = ResetOutcome::MailUnavailable { reason: reason() };
        let record = |outcome: &_, times| (0..times).for_each(|_| pace.record(outcome));
        record(&unavailable, 4);
        record(&ResetOutcome::Failed, 9);
        assert!(pace.turn().await);
        for answer in [
            ResetOutcome::Done,
            ResetOutcome::MailNotAccepted { reason: reason() },
            ResetOutcome::Superseded,
        ] {
            record(&answer, 1);
            record(&unavailable, 4);
            assert!(pace.turn().await, "{answer:?}");
        }
        record(&unavailable, 1);
        assert!(!pace.turn().await);
    }
}
