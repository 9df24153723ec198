//! The response floor: answers are sent at multiples of it, so that response times do not reveal
//! which accounts exist.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::metrics::{self, Metric};

/// The time reserved for ending work, encoding the answer and the inaccuracy of the timer.
const MARGIN: Duration = Duration::from_millis(20);

/// The response floor of one request.
#[derive(Debug, Clone, Copy)]
pub struct ResponseFloor {
    began: Instant,
    floor: Duration,
}

impl ResponseFloor {
    /// Starts the clock of a request that begins now. A floor of zero disables it.
    #[must_use]
    pub fn begin(floor: Duration) -> Self {
        let began = Instant::now();
        Self { began, floor }
    }

    /// Waits for the next response slot, the next multiple of the floor.
    pub async fn wait(&self) {
        if self.floor.is_zero() {
            return;
        }
        if self.began.elapsed() > self.floor {
            metrics::count(Metric::FloorExceeded);
        }
        sleep_until(self.next_slot()).await;
    }

    /// Runs `work` until just before the next response slot. Returns `None` if it was cut off. Use
    /// it for work that only some requests need: requests without that work are answered in that
    /// slot, so requests with it must be too.
    pub async fn run_until_slot<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.floor.is_zero() {
            return Some(work.await);
        }
        let margin = MARGIN.min(self.floor / 4);
        timeout_at(self.next_slot() - margin, work).await.ok()
    }

    /// The next multiple of the floor. A request that misses one multiple is answered at the
    /// next one that it reaches, so that its exact duration stays hidden too.
    fn next_slot(&self) -> Instant {
        let elapsed = self.began.elapsed().as_nanos();
        let floors = elapsed.div_ceil(self.floor.as_nanos().max(1)).max(1);
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
            let floor = ResponseFloor::begin(ms(500));
            advance(ms(took)).await;
            let ((), measured) = metrics::collect(floor.wait()).await;
            assert_eq!(floor.began.elapsed(), ms(until), "{took}");
            let is_counted = !measured.values(Metric::FloorExceeded).is_empty();
            assert_eq!(is_counted, took > 500, "{took}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn late_work_is_cut_off_in_time_for_the_answer() {
        for (before, takes, is_done, until) in [
            (0, 479, true, 500),
            (0, 481, false, 500),
            (490, 1, false, 500),
            (510, 460, true, 1000),
            (510, 9_000, false, 1000),
        ] {
            let floor = ResponseFloor::begin(ms(500));
            advance(ms(before)).await;
            let done = floor.run_until_slot(sleep(ms(takes))).await;
            assert_eq!(done.is_some(), is_done, "{before} {takes}");
            floor.wait().await;
            assert_eq!(floor.began.elapsed(), ms(until), "{before} {takes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_floor_nothing_waits_and_nothing_is_cut_off() {
        let floor = ResponseFloor::begin(Duration::ZERO);
        assert!(floor.run_until_slot(sleep(ms(9_000))).await.is_some());
        floor.wait().await;
        assert_eq!(floor.began.elapsed(), ms(9_000));
    }
}
