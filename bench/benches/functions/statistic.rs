//! Statistics of measurements.

use std::time::Duration;

pub(super) fn median(durations: impl IntoIterator<Item = Duration>) -> Duration {
    percentile(durations, 50)
}

/// The percentile `percent` of durations.
pub(super) fn percentile(
    durations: impl IntoIterator<Item = Duration>,
    percent: usize,
) -> Duration {
    let mut durations: Vec<_> = durations.into_iter().collect();
    durations.sort();
    let index = durations.len() * percent / 100;
    durations.get(index).copied().unwrap_or_default()
}

pub(super) fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}
