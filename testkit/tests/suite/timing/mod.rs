//! Nobody can tell by the time of an answer who is on file, nor who is an administrator.
//!
//! Over real HTTP, each state a request can get into is compared with a name that is not on file, in
//! interleaved pairs, while a relay delays every call to DynamoDB and SES by a random time. The
//! answers come at multiples of the response floor, so their times must not differ; the same test
//! must find the difference when the floor is off, and when random jitter stands in its place. Where
//! DynamoDB is in trouble, it is for both names of a pair.
//!
//! **With all tests** the clock is paused: it moves to the next timer when there is nothing left to
//! do, so that the time of an answer is that of its calls and pauses, whatever the machine does
//! meanwhile. Times must then be the same to the timer's grain.
//!
//! **The measurement** is on the real clock, with what hashing and the scheduler add: the default
//! floor and cost and 2,000 pairs of every state, half a day's worth of waiting, in lanes side by
//! side, services of their own that share nothing but the CPU. It takes about 30 minutes and 4 GB
//! of memory on two cores:
//!
//! ```sh
//! cargo test --release -p testkit --test suite -- --ignored --nocapture timing
//! ```
//!
//! **The statistic** is Mann and Whitney's: U counts how many times an answer of one kind took longer
//! than one of the other. It is about ranks: a request the scheduler forgot for 50 ms weighs no more
//! than one that was a microsecond late. U over the number of comparisons is also the area under
//! the ROC curve (AUC) of an attacker who tells the two apart by a threshold: 0.5 is guessing, 1 is
//! knowing. The alarm is given at 4.6 standard deviations, which is
//!
//! - a false alarm in less than one of 10,000 runs, all sixteen states together: 2 × (1 − Φ(4.6)) =
//!   4.2 × 10⁻⁶ a state, and less by the exact distribution, which a test below adds up;
//! - a difference of 5 ms found at least 99 times in 100: by simulation in a test below, with noise
//!   as it was measured and worse. The measurement prints how often 5 ms would have been found in
//!   the noise of each state's own unknown names, and fails where that is less.
//!
//! **What takes longer than a floor** is answered at the next multiple of it, which an attacker can
//! see. The floor hides states only as long as the slowest of them nearly always ends within one.
//! In production the metric `FloorExceeded` says that it is too short, or that DynamoDB or SES is in
//! trouble.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking, shows its figures, and counts in small numbers"
)]

mod lane;
mod rng;
mod state;
mod statistic;

use std::time::Instant;

use futures_util::future::join_all;

use lane::{Lane, Latency, Pacing};
use rng::Rng;
use state::State;
use statistic::{Comparison, FEW, LONG, median, power};

/// How far the times of a pair may be apart on a paused clock, in ms: the grain of two timers.
const GRAIN: f64 = 2.0;
/// Pairs of each state there.
const PAIRS: usize = 3;
/// Pairs of each state after which a lane has new services.
const RENEWAL: usize = 5;

/// A measurement.
#[derive(Debug, Clone)]
struct Plan {
    pacing: Pacing,
    latency: Latency,
    states: &'static [State],
    /// Pairs of each state, over all lanes.
    pairs: usize,
    lanes: usize,
}

/// The times of a state and those of the unknown names they were paired with, in ms.
#[derive(Debug, Default, Clone)]
struct Times {
    in_state: Vec<f64>,
    unknown: Vec<f64>,
}

impl Plan {
    /// Runs it; the times of each of its states.
    async fn run(&self) -> Vec<Times> {
        let lanes = join_all((0..self.lanes).map(|lane| self.lane(lane))).await;
        let mut times = vec![Times::default(); self.states.len()];
        for of_lane in lanes {
            for (times, of_state) in times.iter_mut().zip(of_lane) {
                times.in_state.extend(of_state.in_state);
                times.unknown.extend(of_state.unknown);
            }
        }
        times
    }

    /// A lane's share of the pairs: the states take turns.
    async fn lane(&self, number: usize) -> Vec<Times> {
        let mut lane = Lane::start(self.pacing, &self.latency, number as u64).await;
        let mut times = vec![Times::default(); self.states.len()];
        for round in 1..=self.pairs.div_ceil(self.lanes) {
            if round % RENEWAL == 0 {
                lane.renew().await;
            }
            for (state, times) in self.states.iter().zip(&mut times) {
                let (in_state, unknown) = lane.pair(*state).await;
                times.in_state.push(in_state);
                times.unknown.push(unknown);
            }
        }
        times
    }

    /// Runs it and prints what an attacker would learn of each state.
    async fn compare(&self) -> Vec<Finding> {
        let began = Instant::now();
        let times = self.run().await;
        println!(
            "{:?}, {} lanes, {:?}",
            self.pacing,
            self.lanes,
            began.elapsed()
        );
        println!(
            "state                 pairs  unknown ms   state ms    AUC  best threshold  deviations  5 ms found"
        );
        let findings = self.states.iter().zip(&times);
        let findings = findings.map(|(state, times)| Finding::of(*state, times));
        findings.inspect(Finding::print).collect()
    }
}

/// What the times of a state come to.
#[derive(Debug)]
struct Finding {
    state: State,
    pairs: usize,
    medians: [f64; 2],
    comparison: Comparison,
    /// How often 5 ms would have been found in the noise of the unknown names' own times.
    power: f64,
}

impl Finding {
    fn of(state: State, times: &Times) -> Self {
        let Times { in_state, unknown } = times;
        let mut rng = Rng(7);
        let mut draw = || unknown[rng.next() as usize % unknown.len()];
        Self {
            state,
            pairs: unknown.len(),
            medians: [median(unknown), median(in_state)],
            comparison: Comparison::of(unknown, in_state),
            power: power(unknown.len(), 5.0, 200, &mut draw),
        }
    }

    fn print(&self) {
        let Comparison {
            auc,
            deviations,
            best_threshold,
        } = self.comparison;
        let [unknown, in_state] = self.medians;
        println!(
            "{:<20}  {:>5}  {unknown:>10.2}  {in_state:>9.2}  {auc:.3}  {best_threshold:>14.3}  \
             {deviations:>10.2}  {:>10.3}",
            format!("{:?}", self.state),
            self.pairs,
            self.power
        );
    }
}

fn assert_nothing_learnt(findings: &[Finding]) {
    for finding in findings {
        assert!(!finding.comparison.is_alarm(), "{finding:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn times_tell_nothing_with_the_floor_and_all_without() {
    let plan = Plan {
        pacing: Pacing::Floor(500),
        latency: Latency::usual(),
        states: &State::ALL,
        pairs: PAIRS,
        lanes: 1,
    };
    for (state, times) in State::ALL.iter().zip(plan.run().await) {
        let pairs = times.in_state.iter().zip(&times.unknown);
        let mut apart = pairs.map(|(in_state, unknown)| (in_state - unknown).abs());
        assert!(apart.all(|apart| apart <= GRAIN), "{state:?}: {times:?}");
        assert!(times.unknown.iter().all(|time| *time >= 500.0), "{times:?}");
    }
    for pacing in [Pacing::Off, Pacing::Jitter(20.0)] {
        let control = Plan {
            pacing,
            states: &[State::Known],
            pairs: FEW,
            ..plan.clone()
        };
        let [finding] = &control.compare().await[..] else {
            unreachable!("there is one state")
        };
        assert!(finding.comparison.is_alarm(), "{pacing:?}: {finding:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 30 minutes"]
async fn times_tell_nothing_in_two_thousand_pairs() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        pacing: Pacing::Floor(500),
        latency: Latency::usual(),
        states: &State::ALL,
        pairs: LONG,
        // A request works for 25 of 500 ms: a dozen lanes keep a CPU half busy.
        lanes: 12 * cpus,
    };
    let findings = plan.compare().await;
    assert_nothing_learnt(&findings);
    for finding in &findings {
        assert!(finding.power >= 0.99, "too much noise: {finding:?}");
    }
}
