//! Random numbers that are the same in every run.

use std::ops::Range;
use std::time::Duration;

/// `SplitMix64`.
#[derive(Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, range: &Range<f64>) -> f64 {
        range.start + self.unit() * (range.end - range.start)
    }

    pub(crate) fn ms(&mut self, range: &Range<f64>) -> Duration {
        Duration::from_secs_f64(self.between(range) / 1_000.0)
    }
}
