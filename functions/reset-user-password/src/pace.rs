//! How fast a sweep mails, and when it ends.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::delivery::ResetOutcome;

/// How long a sweep begins further mails: until the next one takes over. What is on its way then is
/// done 15 seconds later, within the function's timeout of 80.
const TIME_BUDGET: Duration = Duration::from_mins(1);
/// After so many failures of SES in a row a sweep leaves everything else to the next one.
const FAILURES_OF_AN_OUTAGE: u32 = 5;

/// Gives the attempts of a sweep their turns.
#[derive(Debug)]
pub(crate) struct Pace {
    turns: Mutex<Interval>,
    end: Instant,
    failures: AtomicU32,
}

impl Pace {
    /// The pace of a sweep that begins now.
    pub(crate) fn begin(mails_per_second: u32) -> Self {
        let mut turns = interval(Duration::from_secs(1) / mails_per_second.max(1));
        // Turns that were missed are lost: they would be a burst.
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            turns: Mutex::new(turns),
            end: Instant::now() + TIME_BUDGET,
            failures: AtomicU32::new(0),
        }
    }

    /// Waits until another mail may be sent; false when the sweep is over. First come, first served.
    pub(crate) async fn turn(&self) -> bool {
        let mut turns = self.turns.lock().await;
        if !self.is_over() {
            turns.tick().await;
        }
        !self.is_over()
    }

    /// Whether time is up, or SES is down.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end || self.failures.load(Ordering::Relaxed) >= FAILURES_OF_AN_OUTAGE
    }

    /// Learns from an attempt whether SES works.
    pub(crate) fn learn(&self, outcome: &ResetOutcome) {
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

    /// 50,000 resets in an hour need 14 mails in every second of it.
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

    /// What a slow SES held up does not follow all at once.
    #[tokio::test(start_paused = true)]
    async fn turns_that_were_missed_are_lost() {
        let pace = Pace::begin(10);
        assert!(pace.turn().await);
        tokio::time::sleep(Duration::from_millis(5_050)).await;
        let resumed = Instant::now();
        for _ in 0..=10 {
            assert!(pace.turn().await);
        }
        // The first one is at once.
        assert_eq!(resumed.elapsed().as_millis(), 950);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_end_a_sweep() {
        let pace = Pace::begin(10);
        let reason = || "no answer".to_owned();
        let unavailable = ResetOutcome::MailUnavailable { reason: reason() };
        let learn = |outcome: &_, times| (0..times).for_each(|_| pace.learn(outcome));
        learn(&unavailable, 4);
        learn(&ResetOutcome::Failed, 9);
        assert!(pace.turn().await);
        for answer in [
            ResetOutcome::Done,
            ResetOutcome::MailNotAccepted { reason: reason() },
            ResetOutcome::Superseded,
        ] {
            learn(&answer, 1);
            learn(&unavailable, 4);
            assert!(pace.turn().await, "{answer:?}");
        }
        learn(&unavailable, 1);
        assert!(!pace.turn().await);
    }
}
