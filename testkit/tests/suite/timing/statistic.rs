//! The statistic: how well two samples of times can be distinguished.

use super::rng::Rng;
use super::state::State;

/// The number of standard deviations of U from which two kinds of answers count as distinguishable.
const ALARM: f64 = 4.6;

/// Pairs of each state in the measurement.
pub(crate) const LONG: usize = 2_000;
/// The minimum number of pairs with which the alarm can find a difference.
pub(crate) const FEW: usize = 32;

/// How well two samples can be distinguished.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    /// The share of comparisons in which the second sample's value is the larger one.
    pub(crate) auc: f64,
    /// The distance of U from its expected value without a difference, in standard deviations.
    pub(crate) deviations: f64,
    /// The share of correct guesses of an attacker with the best threshold, if half the answers are
    /// of each kind.
    pub(crate) best_threshold: f64,
}

impl Comparison {
    pub(crate) fn of(one: &[f64], other: &[f64]) -> Self {
        let mut all: Vec<(f64, bool)> = one.iter().map(|value| (*value, false)).collect();
        all.extend(other.iter().map(|value| (*value, true)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));

        let (n, m) = (one.len() as f64, other.len() as f64);
        let (mut u, mut best, mut ties) = (0.0, 0.5_f64, 0.0);
        let (mut ones_below, mut others_below) = (0.0, 0.0);
        // Equal values count as half a win each.
        for equal in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let others = equal.iter().filter(|(_, is_other)| *is_other).count() as f64;
            let (size, ones) = (equal.len() as f64, equal.len() as f64 - others);
            u += others * (ones_below + ones / 2.0);
            ties += size.powi(3) - size;
            ones_below += ones;
            others_below += others;
            let right = f64::midpoint(ones_below / n, 1.0 - others_below / m);
            best = best.max(right).max(1.0 - right);
        }
        let total = n + m;
        let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
        Self {
            auc: u / (n * m),
            deviations: (u - n * m / 2.0) / variance.sqrt().max(f64::MIN_POSITIVE),
            best_threshold: best,
        }
    }

    pub(crate) fn is_alarm(self) -> bool {
        self.deviations.abs() >= ALARM
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// How often a shift of `shift` ms would be found between samples of `size` drawn from this noise.
pub(crate) fn power(size: usize, shift: f64, runs: usize, noise: &mut impl FnMut() -> f64) -> f64 {
    let found = (0..runs).filter(|_| {
        let one: Vec<f64> = (0..size).map(|_| noise()).collect();
        let other: Vec<f64> = (0..size).map(|_| noise() + shift).collect();
        Comparison::of(&one, &other).is_alarm()
    });
    found.count() as f64 / runs as f64
}

/// Noise like that of an answer at the floor: the timer's resolution of 1 ms, a delay of the
/// scheduler of `delay` ms on average, and up to 100 ms more in one answer of 30.
fn simulated(rng: &mut Rng, delay: f64) -> f64 {
    let outlier = if rng.unit() < 1.0 / 30.0 { 100.0 } else { 0.0 };
    rng.unit() - delay * (1.0 - rng.unit()).ln() + outlier * rng.unit()
}

#[test]
fn the_area_is_the_share_of_wins() {
    let far = Comparison::of(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]);
    assert!((far.auc - 1.0).abs() < 1e-9 && (far.best_threshold - 1.0).abs() < 1e-9);
    // U = 9 of 9, its mean 4.5, its variance 3 × 3 × 7 / 12.
    assert!((far.deviations - 4.5 / 5.25_f64.sqrt()).abs() < 1e-9);
    let same = Comparison::of(&[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]);
    assert!((same.auc - 0.5).abs() < 1e-9 && same.deviations.abs() < 1e-9);
    let mixed = Comparison::of(&[1.0, 3.0], &[2.0, 4.0]);
    assert!((mixed.auc - 0.75).abs() < 1e-9);
}

/// Uses the exact distribution of U without a difference: the number of rankings for each value.
#[test]
fn less_than_one_run_in_ten_thousand_is_a_false_alarm() {
    let size = FEW;
    let most = size * size;
    // ways[taken][u]: the number of ways to assign `taken` of the ranks so far to the first sample.
    let mut ways = vec![vec![0.0_f64; most + 1]; size + 1];
    ways[0][0] = 1.0;
    for rank in 0..2 * size {
        for taken in (0..size.min(rank + 1)).rev() {
            // Another rank of the first sample is above all earlier ranks of the other.
            let above = rank - taken;
            if above > size {
                continue;
            }
            for u in 0..=most - above.min(most) {
                let more = ways[taken][u];
                ways[taken + 1][u + above] += more;
            }
        }
    }
    let all: f64 = ways[size].iter().sum();
    let (mean, n) = (most as f64 / 2.0, size as f64);
    let deviation = (n * n * (2.0 * n + 1.0) / 12.0).sqrt();
    let far = ways[size].iter().enumerate();
    let far = far.filter(|(u, _)| ((*u as f64 - mean) / deviation).abs() >= ALARM);
    let rate = far.map(|(_, ways)| ways).sum::<f64>() / all * State::ALL.len() as f64;
    println!("false alarms: {rate:.1e} a run");
    assert!(rate < 1e-4, "{rate}");
}

#[test]
fn noise_gives_no_alarm() {
    let mut rng = Rng(1);
    for size in [FEW, 200] {
        let alarms = power(size, 0.0, 4_000, &mut || simulated(&mut rng, 1.0));
        assert!(alarms * 4_000.0 <= 1.0, "{alarms}");
    }
}

#[test]
fn five_milliseconds_are_found_ninety_nine_times_in_a_hundred() {
    let mut rng = Rng(2);
    for delay in [0.3, 1.0] {
        let found = power(FEW, 5.0, 2_000, &mut || simulated(&mut rng, delay));
        println!("delay {delay} ms, {FEW} pairs: 5 ms found in {found}");
        assert!(found >= 0.99, "{delay} {found}");
    }
    // Two thousand pairs find smaller differences in more noise.
    let found = power(LONG, 1.0, 100, &mut || simulated(&mut rng, 3.0));
    assert!(found >= 0.99, "{found}");
}
