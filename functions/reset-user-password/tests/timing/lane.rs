//! The measurement: a service over real HTTP, and the time of one answer after another.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::BoxFuture;
use http::Response;
use lambda_http::lambda_runtime::Error;
use local::attribute::text;
use local::relay::{Action, Relays};
use local::requests::reset;
use local::tables::TableNames;
use local::{Backend, Sandbox, Storage, gateway};
use serde_json::Value;
use shared::lambda::{Event, Function};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::statistic::Rng;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Known,
    Disabled,
    WithoutEmail,
    Limited,
    Refused,
    /// SES takes longer than the floor.
    SesSlow,
}

pub(crate) const STATES: [State; 6] = [
    State::Known,
    State::Disabled,
    State::WithoutEmail,
    State::Limited,
    State::Refused,
    State::SesSlow,
];

/// What a service does so that its times tell nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pacing {
    /// `RESPONSE_FLOOR_MS`
    Floor(u64),
    /// No floor.
    Off,
    /// No floor, and a random pause of up to so many ms after the work.
    Jitter(f64),
}

/// How long a call takes, in ms.
#[derive(Debug, Clone)]
pub(crate) struct Latency {
    dynamodb: Range<f64>,
    ses: Range<f64>,
}

impl Latency {
    /// As it is within a region of AWS.
    pub(crate) fn usual() -> Self {
        Self {
            dynamodb: 2.0..6.0,
            ses: 20.0..60.0,
        }
    }

    /// For a floor that keeps the test short.
    pub(crate) fn scaled_down() -> Self {
        Self {
            dynamodb: 1.0..3.0,
            ses: 10.0..30.0,
        }
    }
}

/// A service on a port, with tables and mails of its own and a client with a connection.
pub(crate) struct Lane {
    /// The tables without delays, and a service without a floor, to prepare a request.
    tables: Sandbox,
    _relays: Relays,
    client: BufReader<TcpStream>,
    rng: Rng,
    names: usize,
}

impl Lane {
    pub(crate) async fn start(pacing: Pacing, latency: &Latency, seed: u64) -> Self {
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
    pub(crate) async fn pair(&mut self, state: State) -> (f64, f64) {
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
            self.tables.send(&reset(&username)).await;
        }
        username
    }

    /// The time from sending a request to having all of its answer.
    async fn ask(&mut self, username: &str) -> f64 {
        // At no fixed distance from the last answer, which came with a tick of the timer.
        tokio::time::sleep(self.rng.ms(&(0.0..3.0))).await;
        let request = reset(username);
        let uri = request.uri();
        let request = format!("GET {uri} HTTP/1.1\r\nhost: localhost\r\n\r\n");
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
