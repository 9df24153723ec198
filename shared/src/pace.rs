//! When an answer is given: at a multiple of the response floor, whoever is asked for.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::metrics::{self, Metric};

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

    /// The floor; zero is none.
    #[must_use]
    pub fn floor(&self) -> Duration {
        self.floor
    }

    /// Waits until the answer may be given.
    pub async fn wait(&self) {
        if self.floor.is_zero() {
            return;
        }
        if self.began.elapsed() > self.floor {
            metrics::count(Metric::FloorExceeded);
        }
        sleep_until(self.due()).await;
    }

    /// The first multiple of the floor that is not over yet; with no floor, the begin. What takes
    /// longer than one floor is answered at the second, so that its exact duration stays unknown
    /// too.
    #[must_use]
    pub fn due(&self) -> Instant {
        let elapsed = self.began.elapsed().as_nanos();
        let floors = elapsed.div_ceil(self.floor.as_nanos().max(1)).max(1);
        let floors = u32::try_from(floors).unwrap_or(u32::MAX);
        self.began + self.floor.saturating_mul(floors)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn answers_wait_for_the_next_multiple_of_the_floor() {
        for (took, until) in [(0, 500), (1, 500), (500, 500), (501, 1000), (1200, 1500)] {
            let pace = Pace::begin(ms(500));
            advance(ms(took)).await;
            let ((), measured) = metrics::collect(pace.wait()).await;
            assert_eq!(pace.began.elapsed(), ms(until), "{took}");
            let is_counted = !measured.values(Metric::FloorExceeded).is_empty();
            assert_eq!(is_counted, took > 500, "{took}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_floor_nothing_waits() {
        let pace = Pace::begin(Duration::ZERO);
        advance(ms(9_000)).await;
        pace.wait().await;
        assert_eq!(pace.began.elapsed(), ms(9_000));
    }
}
