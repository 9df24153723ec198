//! Response times do not reveal which accounts exist, nor which of them are administrators.
//!
//! Over real HTTP, each state that a request can be in is compared with an unknown name, in
//! interleaved pairs, while a relay delays every call to DynamoDB and SES by a random time. Answers
//! are sent at multiples of the response floor, so their times must not differ. The same test must
//! find a difference if the floor is disabled, and if it is replaced by random jitter. Problems
//! with DynamoDB affect both names of a pair.
//!
//! **In normal test runs**, the clock is paused. It advances to the next timer when there is
//! nothing left to do, so that the time of an answer only depends on its calls and pauses, not on
//! the machine. Times must then be equal within the timer's resolution.
//!
//! **The measurement** uses the real clock, including the effects of hashing and the scheduler. It
//! uses the default floor and cost and 2,000 pairs of every state. This is half a day of waiting,
//! divided over parallel lanes, which are separate services that share only the CPU. It takes about
//! 30 minutes and 4 GB of memory on two cores:
//!
//! ```sh
//! cargo test --release -p testkit --test suite -- --ignored --nocapture timing
//! ```
//!
//! **The statistic** is the Mann–Whitney U: it counts how often an answer of one kind took longer
//! than one of the other. It is based on ranks, so a request that the scheduler delayed by 50 ms
//! counts no more than one that was a microsecond late. U divided by the number of comparisons is
//! the area under the ROC curve (AUC) of an attacker who distinguishes the two by a threshold: 0.5
//! is guessing, 1 is certainty. The threshold for an alarm is 4.6 standard deviations, which means
//!
//! - a false alarm in fewer than one in 10,000 runs over all sixteen states: 2 × (1 − Φ(4.6)) =
//!   4.2 × 10⁻⁶ per state, and less with the exact distribution, which a test below computes;
//! - that a difference of 5 ms is found at least 99 times in 100, as a test below shows by
//!   simulating the measured noise and stronger noise. The measurement prints how often it would
//!   have found 5 ms in the noise of the unknown names paired with each state, and fails if that is
//!   less.
//!
//! **Work that takes longer than a floor** is answered at the next multiple, which an attacker can
//! see. The floor hides states only if the slowest of them nearly always ends within one floor. In
//! production, the metric `FloorExceeded` shows that the floor is too short, or that DynamoDB or
//! SES has problems.

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

/// The maximum difference between the times of a pair on a paused clock, in ms: the resolution of
/// two timers.
const GRAIN: f64 = 2.0;
/// The number of pairs of each state on the paused clock.
const PAIRS: usize = 3;
/// The number of pairs of each state after which a lane gets new services.
const RENEWAL: usize = 5;

/// A measurement.
#[derive(Debug, Clone)]
struct Plan {
    pacing: Pacing,
    latency: Latency,
    states: &'static [State],
    /// The number of pairs of each state, over all lanes.
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
    /// Runs the measurement. Returns the times of each state.
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

    /// Runs a lane's share of the pairs, with the states in turn.
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

    /// Runs the measurement, and prints what an attacker could learn about each state.
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

/// The result for a state.
#[derive(Debug)]
struct Finding {
    state: State,
    pairs: usize,
    medians: [f64; 2],
    comparison: Comparison,
    /// How often 5 ms would have been found in the noise of the times for unknown names.
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
async fn response_times_reveal_nothing_only_with_the_floor() {
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
async fn response_times_reveal_nothing_in_two_thousand_pairs() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        pacing: Pacing::Floor(500),
        latency: Latency::usual(),
        states: &State::ALL,
        pairs: LONG,
        // A request uses 25 of 500 ms of CPU, so a dozen lanes use about half of a CPU.
        lanes: 12 * cpus,
    };
    let findings = plan.compare().await;
    assert_nothing_learnt(&findings);
    for finding in &findings {
        assert!(finding.power >= 0.99, "too much noise: {finding:?}");
    }
}
