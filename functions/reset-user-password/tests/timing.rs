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

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Bytes;
use futures_util::future::{BoxFuture, join_all};
use http::{Request, Response};
use lambda_http::lambda_runtime::Error;
use local::relay::{Action, Relays};
use local::tables::TableNames;
use local::{Backend, Sandbox, Storage, gateway};
use serde_json::Value;
use shared::lambda::{Event, Function};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

const PATH: &str = "/webservices/IFCommonService.asmx/ResetUserPassword";

/// Standard deviations of U at which two kinds of answers count as told apart.
const ALARM: f64 = 4.5;

/// Pairs of each state in the short form.
const SHORT: usize = 30;
/// Pairs of each state in the long form.
const LONG: usize = 2_000;

// ---------------------------------------------------------------------------------------------
// The statistic

/// How well two samples can be told apart.
#[derive(Debug, Clone, Copy)]
struct Comparison {
    /// The share of comparisons in which the second sample's value is the larger one.
    auc: f64,
    /// U's distance from what it would be without a difference, in standard deviations.
    deviations: f64,
    /// How often an attacker with the best threshold is right, half the answers being of each kind.
    best_threshold: f64,
}

impl Comparison {
    fn of(one: &[f64], other: &[f64]) -> Self {
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

    fn is_alarm(self) -> bool {
        self.deviations.abs() >= ALARM
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// `SplitMix64`: random numbers that are the same in every run.
#[derive(Debug)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, range: &Range<f64>) -> f64 {
        range.start + self.unit() * (range.end - range.start)
    }

    fn ms(&mut self, range: &Range<f64>) -> Duration {
        Duration::from_secs_f64(self.between(range) / 1_000.0)
    }
}

/// How often a shift of `shift` ms would be found between samples of `size` drawn from this noise.
fn power(size: usize, shift: f64, runs: usize, noise: &mut impl FnMut() -> f64) -> f64 {
    let found = (0..runs).filter(|_| {
        let one: Vec<f64> = (0..size).map(|_| noise()).collect();
        let other: Vec<f64> = (0..size).map(|_| noise() + shift).collect();
        Comparison::of(&one, &other).is_alarm()
    });
    found.count() as f64 / runs as f64
}

/// Noise like that of an answer at the floor: the timer's grain of 1 ms, a delay of the scheduler
/// of `delay` ms on average, and in one answer of 30 up to 100 ms more.
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

/// The exact distribution of U without a difference: how many of the ways to rank the answers give
/// each value.
#[test]
fn less_than_one_run_in_ten_thousand_is_a_false_alarm() {
    let size = SHORT;
    let most = size * size;
    // ways[taken][u]: ways to take so many of the ranks seen so far for the one sample.
    let mut ways = vec![vec![0.0_f64; most + 1]; size + 1];
    ways[0][0] = 1.0;
    for rank in 0..2 * size {
        for taken in (0..size.min(rank + 1)).rev() {
            // One more of the one sample is above all of the other's that came before it.
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
    let rate = far.map(|(_, ways)| ways).sum::<f64>() / all * STATES.len() as f64;
    println!("false alarms: {rate:.1e} a run");
    assert!(rate < 1e-4, "{rate}");
}

#[test]
fn noise_gives_no_alarm() {
    let mut rng = Rng(1);
    for size in [SHORT, 200] {
        let alarms = power(size, 0.0, 20_000, &mut || simulated(&mut rng, 1.0));
        assert!(alarms * 20_000.0 <= 1.0, "{alarms}");
    }
}

#[test]
fn five_milliseconds_are_found_ninety_nine_times_in_a_hundred() {
    let mut rng = Rng(2);
    for delay in [0.3, 1.0] {
        let found = power(SHORT, 5.0, 2_000, &mut || simulated(&mut rng, delay));
        println!("delay {delay} ms, {SHORT} pairs: 5 ms found in {found}");
        assert!(found >= 0.99, "{delay} {found}");
    }
    // Two thousand pairs find far less, in far more noise.
    let found = power(LONG, 1.0, 100, &mut || simulated(&mut rng, 3.0));
    assert!(found >= 0.99, "{found}");
}

// ---------------------------------------------------------------------------------------------
// The measurement

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known,
    Disabled,
    WithoutEmail,
    Limited,
    Refused,
    /// SES takes longer than the floor.
    SesSlow,
}

const STATES: [State; 6] = [
    State::Known,
    State::Disabled,
    State::WithoutEmail,
    State::Limited,
    State::Refused,
    State::SesSlow,
];

/// What a service does so that its times tell nothing.
#[derive(Debug, Clone, Copy)]
enum Pacing {
    /// `RESPONSE_FLOOR_MS`
    Floor(u64),
    /// No floor.
    Off,
    /// No floor, and a random pause of up to so many ms after the work.
    Jitter(f64),
}

/// How long a call takes, in ms.
#[derive(Debug, Clone)]
struct Latency {
    dynamodb: Range<f64>,
    ses: Range<f64>,
}

impl Latency {
    /// As it is within a region of AWS.
    fn usual() -> Self {
        Self {
            dynamodb: 2.0..6.0,
            ses: 20.0..60.0,
        }
    }

    /// For a floor that keeps the test short.
    fn scaled_down() -> Self {
        Self {
            dynamodb: 1.0..3.0,
            ses: 10.0..30.0,
        }
    }
}

/// A service on a port, with tables and mails of its own and a client with a connection.
struct Lane {
    /// The tables without delays, and a service without a floor, to prepare a request.
    tables: Sandbox,
    _relays: Relays,
    client: BufReader<TcpStream>,
    rng: Rng,
    names: usize,
}

impl Lane {
    async fn start(pacing: Pacing, latency: &Latency, seed: u64) -> Self {
        let backend = Backend::start(Storage::Memory, TableNames::default());
        let tables = Sandbox::on(backend.await.unwrap(), &[("RESET_PER_MINUTE", "1")]).unwrap();
        let relays = Relays::start(&tables.backend).unwrap();
        delay(&relays, latency, seed);
        let floor = match pacing {
            Pacing::Floor(ms) => ms.to_string(),
            Pacing::Off | Pacing::Jitter(_) => "0".to_owned(),
        };
        let variables = [("RESPONSE_FLOOR_MS", &*floor), ("RESET_PER_MINUTE", "1")];
        let mut service = Sandbox::on(relays.backend.clone(), &variables).unwrap();
        if let Pacing::Jitter(most) = pacing {
            let function = &mut service.functions.reset_user_password;
            *function = Arc::new(Jittered {
                function: Arc::clone(function),
                most,
                rng: Mutex::new(Rng(seed)),
            });
        }
        service.functions.reset_user_password.init().await;
        Self {
            client: serve(service).await,
            tables,
            _relays: relays,
            rng: Rng(seed),
            names: 0,
        }
    }

    /// The times of a request in this state and of one for an unknown name, in ms, one after the
    /// other, either first.
    async fn pair(&mut self, state: State) -> (f64, f64) {
        let in_state = self.prepare(state).await;
        let unknown = self.name("nobody");
        if self.rng.unit() < 0.5 {
            let time = self.ask(&in_state).await;
            (time, self.ask(&unknown).await)
        } else {
            let time = self.ask(&unknown).await;
            (self.ask(&in_state).await, time)
        }
    }

    /// A name that no request was about: one that is limited would be in another state.
    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}-{}", self.names)
    }

    /// A name that is in this state when it is asked for.
    async fn prepare(&mut self, state: State) -> String {
        let username = self.name("somebody");
        let mut item = self.tables.user("jdoe").await.unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        item.insert("username".into(), text(&username));
        match state {
            State::Known | State::Limited => {}
            State::Disabled => {
                item.insert("disabled".into(), AttributeValue::Bool(true));
            }
            State::WithoutEmail => {
                item.remove("email");
                item.remove("email_key");
            }
            State::Refused => {
                item.insert("email".into(), text(REFUSED));
            }
            State::SesSlow => {
                item.insert("email".into(), text(SLOW));
            }
        }
        self.tables.put_user(item).await.unwrap();
        if state == State::Limited {
            let uri = format!("{PATH}?username={username}");
            let request = Request::get(uri).body(Bytes::new()).unwrap();
            self.tables.send(&request).await;
        }
        username
    }

    /// The time from sending a request to having all of its answer.
    async fn ask(&mut self, username: &str) -> f64 {
        // At no fixed distance from the last answer, which came with a tick of the timer.
        tokio::time::sleep(self.rng.ms(&(0.0..3.0))).await;
        let request = format!("GET {PATH}?username={username} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let began = Instant::now();
        self.client.write_all(request.as_bytes()).await.unwrap();
        let status = self.read_answer().await;
        let time = began.elapsed().as_secs_f64() * 1_000.0;
        assert_eq!(status, "HTTP/1.1 200 OK");
        time
    }

    async fn read_answer(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.client.read_line(&mut head).await.unwrap(), 0);
        }
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.client.read_exact(&mut body).await.unwrap();
        head.lines().next().unwrap().to_owned()
    }
}

/// The address SES refuses to send to.
const REFUSED: &str = "refused@example.com";
/// The address SES takes longer for than any floor.
const SLOW: &str = "slow@example.com";

/// From now on calls take as long as they do in a region.
fn delay(relays: &Relays, latency: &Latency, seed: u64) {
    let (latency, rng) = (latency.clone(), Mutex::new(Rng(!seed)));
    relays.script(move |call| {
        let after = |action: Action, usual| action.after(rng.lock().unwrap().ms(usual));
        if !call.is_to_ses() {
            after(Action::forward(), &latency.dynamodb)
        } else if call.body.contains(REFUSED) {
            after(Action::refuse(400, "MessageRejected"), &latency.ses)
        } else if call.body.contains(SLOW) {
            Action::forward().after(Duration::from_secs(10))
        } else {
            after(Action::forward(), &latency.ses)
        }
    });
}

/// Serves on a port of its own; gives a connection to it.
async fn serve(service: Sandbox) -> BufReader<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let outbox = service.backend.outbox.clone();
    let forever = std::future::pending();
    tokio::spawn(gateway::serve(listener, service.functions, outbox, forever));
    let client = TcpStream::connect(address).await.unwrap();
    client.set_nodelay(true).unwrap();
    BufReader::new(client)
}

/// What is often done in place of a floor: a random pause after the work.
#[derive(Debug)]
struct Jittered {
    function: Arc<dyn Function>,
    most: f64,
    rng: Mutex<Rng>,
}

impl Function for Jittered {
    fn init(&self) -> BoxFuture<'_, ()> {
        self.function.init()
    }

    fn handle(&self, request: shared::lambda::Request) -> BoxFuture<'_, Response<String>> {
        Box::pin(async move {
            let response = self.function.handle(request).await;
            let pause = self.rng.lock().unwrap().ms(&(0.0..self.most));
            tokio::time::sleep(pause).await;
            response
        })
    }

    fn fault(&self, request: &shared::lambda::Request) -> Response<String> {
        self.function.fault(request)
    }

    fn on_event<'a>(
        &'a self,
        event: &'a Event,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Value, Error>> {
        self.function.on_event(event, request_id)
    }
}

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
