//! How long a reset works on what only some requests have to do.

use std::time::Duration;

use shared::pace::Pace;
use tokio::time::timeout_at;

/// What ending work, encoding its answer and a timer's grain may take.
const MARGIN: Duration = Duration::from_millis(20);

/// What `work` gives, if it ends in time for the answer that is next; else it is dropped where it
/// is. That is for what only some requests have to do: the others are answered then.
pub(crate) async fn in_time<T>(pace: &Pace, work: impl Future<Output = T>) -> Option<T> {
    let floor = pace.floor();
    if floor.is_zero() {
        return Some(work.await);
    }
    let margin = MARGIN.min(floor / 4);
    timeout_at(pace.due() - margin, work).await.ok()
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance, sleep};

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
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
            let (began, pace) = (Instant::now(), Pace::begin(ms(500)));
            advance(ms(before)).await;
            let done = in_time(&pace, sleep(ms(takes))).await;
            assert_eq!(done.is_some(), is_done, "{before} {takes}");
            pace.wait().await;
            assert_eq!(began.elapsed(), ms(until), "{before} {takes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_floor_nothing_is_dropped() {
        let pace = Pace::begin(Duration::ZERO);
        assert!(in_time(&pace, sleep(ms(9_000))).await.is_some());
    }
}
