//! When an answer is given: at a multiple of the response floor, whoever is asked for.

use std::time::Duration;

use shared::metrics::{self, Metric};
use tokio::time::{Instant, sleep_until, timeout_at};

/// What ending work, encoding its answer and a timer's grain may take.
const MARGIN: Duration = Duration::from_millis(20);

/// The pace of one request. Without a floor, all takes the time it takes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    began: Instant,
    floor: Duration,
}

impl Pace {
    /// A request that begins now. A floor of zero is none.
    #[must_use]
    pub fn begin(floor: Duration) -> Self {
        let began = Instant::now();
        Self { began, floor }
    }

    /// What `work` gives, if it ends in time for the answer that is next; else it is dropped where
    /// it is. That is for what only some requests have to do: the others are answered then.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.floor.is_zero() {
            return Some(work.await);
        }
        let margin = MARGIN.min(self.floor / 4);
        timeout_at(self.next() - margin, work).await.ok()
    }

    /// Waits until the answer may be given.
    pub async fn wait(&self) {
        if self.floor.is_zero() {
            return;
        }
        if self.began.elapsed() > self.floor {
            metrics::count(Metric::FloorExceeded);
        }
        sleep_until(self.next()).await;
    }

    /// The first multiple of the floor that is not over yet. What takes longer than one floor is
    /// answered at the second, so that its exact duration stays unknown too.
    fn next(&self) -> Instant {
        let elapsed = self.began.elapsed().as_nanos();
        let floors = elapsed.div_ceil(self.floor.as_nanos()).max(1);
        let floors = u32::try_from(floors).unwrap_or(u32::MAX);
        self.began + self.floor.saturating_mul(floors)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn answers_wait_for_the_next_multiple_of_the_floor() {
        for (took, until) in [(0, 500), (1, 500), (500, 500), (501, 1000), (1200, 1500)] {
            let pace = Pace::begin(ms(500));
            advance(ms(took)).await;
            pace.wait().await;
            assert_eq!(pace.began.elapsed(), ms(until), "{took}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_late_is_dropped_in_time_for_the_answer() {
        for (before, takes, is_done, until) in [
            (0, 479, true, 500),
            (0, 481, false, 500),
            (490, 1, false, 500),
            (510, 460, true, 1000),
            (510, 9_000, false, 1000),
        ] {
            let pace = Pace::begin(ms(500));
            advance(ms(before)).await;
            let done = pace.in_time(sleep(ms(takes))).await;
            assert_eq!(done.is_some(), is_done, "{before} {takes}");
            pace.wait().await;
            assert_eq!(pace.began.elapsed(), ms(until), "{before} {takes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_floor_nothing_waits_and_nothing_is_dropped() {
        let pace = Pace::begin(Duration::ZERO);
        assert!(pace.in_time(sleep(ms(9_000))).await.is_some());
        pace.wait().await;
        assert_eq!(pace.began.elapsed(), ms(9_000));
    }
}
