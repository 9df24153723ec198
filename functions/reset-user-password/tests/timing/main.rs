//! Nobody can tell by the time of an answer who is on file.
//!
//! Over real HTTP, each state a request can get into is measured against a name that is not on
//! file, in interleaved pairs, while a relay delays every call to DynamoDB and SES by a random
//! time. The answers come at multiples of the response floor, so their times must not differ; the
//! same test must find the difference when the floor is off, and when random jitter stands in its
//! place.
//!
//! **The test** is Mann and Whitney's: U counts how many times an answer of one kind took longer
//! than one of the other. It is about ranks: a request the scheduler forgot for 50 ms weighs no more
//! than one that was a microsecond late. U over the number of comparisons is also the area under
//! the ROC curve (AUC) of an attacker who tells the two apart by a threshold: 0.5 is guessing, 1 is
//! knowing. The alarm is given at 4.5 standard deviations, which is
//!
//! - a false alarm in less than one of 10,000 runs, all six states together: 2 × (1 − Φ(4.5)) =
//!   6.8 × 10⁻⁶ a state, and less by the exact distribution, which a test below adds up;
//! - a difference of 5 ms found at least 99 times in 100, by simulation in a test below, with noise
//!   as it was measured and worse. Every run prints how often it would have found 5 ms in its own
//!   noise.
//!
//! **What takes longer than a floor** is answered at the next multiple of it, which an attacker can
//! see. The floor hides states only as long as the slowest of them nearly always ends within one.
//! The floor is therefore chosen here, as in production, several times as long as the work. In
//! production the slowest path is what to look at: requests whose `duration_ms` in the log is above
//! `RESPONSE_FLOOR_MS` by more than a few milliseconds ("floor exceeded") say that it is too short,
//! or that DynamoDB or SES is in trouble.
//!
//! The short form runs with all tests. The long form takes the default floor and 2,000 pairs a
//! state, a few hours' worth of waiting, in lanes side by side: services of their own that share
//! nothing but the CPU, of which all of them together use well under half. It takes 20 minutes on
//! two cores:
//!
//! ```sh
//! cargo test --release -p reset-user-password --test timing -- --ignored --nocapture
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, shows its figures, and counts in small numbers"
)]

mod lane;
mod statistic;

use std::time::Instant;

use futures_util::future::join_all;

use lane::{Lane, Latency, Pacing, STATES, State};
use statistic::{Comparison, Rng, median, power};

/// Pairs of each state in the short form.
const SHORT: usize = 30;
/// Pairs of each state in the long form.
const LONG: usize = 2_000;

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
        for (state, of_state) in lanes.into_iter().flatten() {
            times[state].in_state.extend(of_state.in_state);
            times[state].unknown.extend(of_state.unknown);
        }
        times
    }

    /// A lane's share of the pairs: the states take turns.
    async fn lane(&self, number: usize) -> Vec<(usize, Times)> {
        let mut lane = Lane::start(self.pacing, &self.latency, number as u64).await;
        // The first requests touch what was not in use yet.
        for state in self.states {
            lane.pair(*state).await;
        }
        let mut times = vec![Times::default(); self.states.len()];
        for _ in 0..self.pairs.div_ceil(self.lanes) {
            for (state, times) in self.states.iter().zip(&mut times) {
                let (in_state, unknown) = lane.pair(*state).await;
                times.in_state.push(in_state);
                times.unknown.push(unknown);
            }
        }
        times.into_iter().enumerate().collect()
    }

    /// Runs it and prints what an attacker would learn; the comparison of each state.
    async fn compare(&self) -> Vec<Comparison> {
        let began = Instant::now();
        let times = self.run().await;
        println!(
            "{:?}, {} lanes, {:?}",
            self.pacing,
            self.lanes,
            began.elapsed()
        );
        println!("state         pairs  unknown ms   state ms    AUC  best threshold  deviations");
        let mut comparisons = Vec::new();
        for (state, times) in self.states.iter().zip(&times) {
            let found = Comparison::of(&times.unknown, &times.in_state);
            println!(
                "{:<12}  {:>5}  {:>10.2}  {:>9.2}  {:.3}  {:>14.3}  {:>10.2}",
                format!("{state:?}"),
                times.in_state.len(),
                median(&times.unknown),
                median(&times.in_state),
                found.auc,
                found.best_threshold,
                found.deviations
            );
            comparisons.push(found);
        }
        self.print_power(&times);
        comparisons
    }

    /// How often 5 ms would have been found in the noise of the unknown names' own times.
    fn print_power(&self, times: &[Times]) {
        let noise: Vec<f64> = times.iter().flat_map(|t| t.unknown.clone()).collect();
        let mut rng = Rng(7);
        let mut draw = || noise[rng.next() as usize % noise.len()];
        let found = power(self.pairs, 5.0, 200, &mut draw);
        println!("a shift of 5 ms in this noise would be found in {found} of all runs\n");
    }
}

/// The longest that a reset of a known name took out of a few, without a floor, in ms.
async fn longest_work(latency: &Latency) -> f64 {
    let mut lane = Lane::start(Pacing::Off, latency, 99).await;
    let mut longest = 0.0_f64;
    for _ in 0..8 {
        longest = longest.max(lane.pair(State::Known).await.0);
    }
    longest
}

fn assert_nothing_learnt(states: &[State], comparisons: &[Comparison]) {
    for (state, comparison) in states.iter().zip(comparisons) {
        assert!(!comparison.is_alarm(), "{state:?}: {comparison:?}");
    }
}

/// One test and not three: they would disturb one another's times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_tell_nothing_with_the_floor_and_all_without() {
    let latency = Latency::scaled_down();
    let work = longest_work(&latency).await;
    let floor = (work * 2.0).clamp(100.0, 1_000.0) as u64;
    let floored = Plan {
        pacing: Pacing::Floor(floor),
        latency,
        states: &STATES,
        pairs: SHORT,
        lanes: 3,
    };
    let control = |pacing| Plan {
        pacing,
        states: &[State::Known, State::Limited],
        ..floored.clone()
    };
    println!("work takes up to {work:.0} ms\n");
    assert_nothing_learnt(&STATES, &floored.compare().await);
    for pacing in [Pacing::Off, Pacing::Jitter(20.0)] {
        let comparisons = control(pacing).compare().await;
        // One state that can be told apart is enough to fail the test above.
        let is_found = comparisons.iter().any(|state| state.is_alarm());
        assert!(is_found, "{pacing:?}: {comparisons:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 20 minutes"]
async fn times_tell_nothing_in_two_thousand_pairs() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        pacing: Pacing::Floor(500),
        latency: Latency::usual(),
        states: &STATES,
        pairs: LONG,
        // A request works for 25 of 500 ms: four lanes keep a CPU a fifth busy.
        lanes: 4 * cpus,
    };
    assert_nothing_learnt(&STATES, &plan.compare().await);
}
