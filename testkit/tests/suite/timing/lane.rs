//! The measurement of response times of services over real HTTP.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use lambda_http::lambda_runtime::Error;
use local::attribute::text;
use local::tables::TableNames;
use local::{Backend, gateway};
use password::Cost;
use serde_json::{Value, json};
use shared::front_door::FrontDoor;
use shared::lambda::{Answer, Event, Handler};
use testkit::relay::{Action, Gone, Relays};
use testkit::requests::{log_in, reset, set_password};
use testkit::{Sandbox, with_default_cost};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::rng::Rng;
use super::state::{HUNG_UP, REFUSED, SLOW, State, THROTTLED};

/// A hash with twice the passes of the default.
const COSTLIER: &str = "$argon2id$v=19$m=19456,t=4,p=1$AAECAwQFBgcICQoLDA0ODw\
                      $AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The way in which a service hides its times.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pacing {
    /// `RESPONSE_FLOOR_MS`
    Floor(u64),
    /// No floor.
    Off,
    /// No floor, but a random pause after the work, up to this number of ms.
    Jitter(f64),
}

/// The time that a call takes, in ms.
#[derive(Debug, Clone)]
pub(crate) struct Latency {
    dynamodb: Range<f64>,
    ses: Range<f64>,
}

impl Latency {
    /// The usual times within an AWS region.
    pub(crate) fn usual() -> Self {
        Self {
            dynamodb: 2.0..6.0,
            ses: 20.0..60.0,
        }
    }
}

/// A lane: its own tables and emails, and services that use them.
pub(crate) struct Lane {
    /// The tables without delays, for preparing requests, and a service without a floor.
    tables: Sandbox,
    setting: Setting,
    service: Service,
    without_ses: Service,
    rng: Rng,
    names: usize,
}

impl Lane {
    pub(crate) async fn start(pacing: Pacing, latency: &Latency, seed: u64) -> Self {
        let backend = testkit::backend_with(TableNames::default(), Cost::DEFAULT).await;
        let variables = with_default_cost(&[("RESET_PER_MINUTE", "1")]);
        let tables = Sandbox::on(backend, &variables).unwrap();
        let setting = Setting {
            backend: tables.backend.clone(),
            pacing,
            latency: latency.clone(),
        };
        let mut rng = Rng(seed);
        let (service, without_ses) = setting.services(rng.next()).await;
        Self {
            service,
            without_ses,
            tables,
            setting,
            rng,
            names: 0,
        }
    }

    /// Replaces the services with new ones. The SDK stops retrying after too many retries, and then
    /// a closed connection would fail the next request.
    pub(crate) async fn renew(&mut self) {
        (self.service, self.without_ses) = self.setting.services(self.rng.next()).await;
    }

    /// The times of a request in this state and of a request for an unknown name, in ms, made one
    /// after the other in random order.
    pub(crate) async fn pair(&mut self, state: State) -> (f64, f64) {
        let in_state = self.prepare(state).await;
        let unknown = self.name(state, "nobody");
        if self.rng.unit() < 0.5 {
            let time = self.ask(state, &in_state).await;
            (time, self.ask(state, &unknown).await)
        } else {
            let time = self.ask(state, &unknown).await;
            (self.ask(state, &in_state).await, time)
        }
    }

    /// A new name, since a limited name would be in a different state.
    fn name(&mut self, state: State, kind: &str) -> String {
        self.names += 1;
        format!("{}{kind}-{}", state.prefix(), self.names)
    }

    /// Prepares a name for this state.
    async fn prepare(&mut self, state: State) -> String {
        let username = self.name(state, "somebody");
        let demo = if state.is_login() { "admin" } else { "jdoe" };
        let mut item = self.tables.user(demo).await.unwrap();
        item.insert("username".into(), text(&username));
        let email = email(&format!(
            "{}{username}",
            state.address().unwrap_or_default()
        ));
        item.insert("email".into(), text(&email));
        item.insert("email_key".into(), text(&email));
        match state {
            State::Disabled => {
                item.insert("disabled".into(), AttributeValue::Bool(true));
            }
            State::WithoutEmail => {
                item.remove("email");
                item.remove("email_key");
            }
            State::CostlierHash => {
                item.insert("password_hash".into(), text(COSTLIER));
            }
            _ => {}
        }
        self.tables.put_user(item).await.unwrap();
        if state == State::Limited {
            self.tables.send(&reset(&username)).await;
        }
        username
    }

    /// The time of a request for this name.
    async fn ask(&mut self, state: State, username: &str) -> f64 {
        let request = request(state, username);
        // At a random time after the last answer, which was aligned to the timer.
        let pause = self.rng.ms(&(0.0..3.0));
        let mut fresh;
        let service = match state {
            State::FirstRequest => {
                let seed = self.rng.next();
                fresh = self.setting.service(seed, Gone::default()).await;
                &mut fresh
            }
            State::SesGone => &mut self.without_ses,
            _ => &mut self.service,
        };
        tokio::time::sleep(pause).await;
        service.time(&request).await
    }
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

fn request(state: State, username: &str) -> Request<Bytes> {
    if !state.is_login() {
        return reset(username);
    }
    let name = match state {
        State::WrongPasswordByEmail => email(username),
        _ => username.to_owned(),
    };
    let credential = format!("{name}:wrong");
    match state {
        State::WrongPasswordForSession => log_in(&credential),
        _ => set_password(&credential, &json!({})),
    }
}

/// The settings that the services of a lane share.
struct Setting {
    backend: Backend,
    pacing: Pacing,
    latency: Latency,
}

impl Setting {
    /// A service that has already handled its first request, and a service for which SES is gone.
    async fn services(&self, seed: u64) -> (Service, Service) {
        let gone = Gone {
            ses: true,
            ..Gone::default()
        };
        let mut services = (
            self.service(seed, Gone::default()).await,
            self.service(!seed, gone).await,
        );
        for service in [&mut services.0, &mut services.1] {
            for state in [State::Known, State::WrongPassword] {
                service.time(&request(state, "nobody")).await;
            }
        }
        services
    }

    /// A service like that of a new process.
    async fn service(&self, seed: u64, gone: Gone) -> Service {
        let relays = Relays::start_without(&self.backend, gone).unwrap();
        delay(&relays, &self.latency, seed);
        let floor = match self.pacing {
            Pacing::Floor(ms) => ms.to_string(),
            Pacing::Off | Pacing::Jitter(_) => "0".to_owned(),
        };
        let variables = with_default_cost(&[
            ("RESPONSE_FLOOR_MS", &*floor),
            ("RESET_PER_MINUTE", "1"),
            ("LOGIN_FAILURES_PER_MINUTE", "1000"),
        ]);
        let mut sandbox = Sandbox::on(relays.backend.clone(), &variables).unwrap();
        if let Pacing::Jitter(most) = self.pacing {
            let function = &mut sandbox.functions.reset_user_password;
            *function = Arc::new(Jittered {
                function: Arc::clone(function),
                most,
                rng: Mutex::new(Rng(seed)),
            });
        }
        sandbox.functions.reset_user_password.init().await;
        let mut serving = JoinSet::new();
        let client = serve(sandbox, &mut serving).await;
        Service {
            client,
            _serving: serving,
            _relays: relays,
        }
    }
}

/// A service on a port, and a client with a connection. It ends when it is dropped.
struct Service {
    client: BufReader<TcpStream>,
    _serving: JoinSet<std::io::Result<()>>,
    _relays: Relays,
}

impl Service {
    /// The time from sending a request to receiving the complete answer, in ms.
    async fn time(&mut self, request: &Request<Bytes>) -> f64 {
        let (expected, request) = (status(request), wire(request));
        let began = Instant::now();
        self.client.write_all(&request).await.unwrap();
        let status = self.read_answer().await;
        let time = began.elapsed().as_secs_f64() * 1_000.0;
        assert_eq!(status, expected);
        time
    }

    async fn read_answer(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.client.read_line(&mut head).await.unwrap(), 0);
        }
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        let length = headers
            .find_map(|(name, value)| name.eq_ignore_ascii_case("content-length").then_some(value));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.client.read_exact(&mut body).await.unwrap();
        head.lines().next().unwrap().to_owned()
    }
}

/// The status line of every reset, and of every failed login.
fn status(request: &Request<Bytes>) -> &'static str {
    match request.uri().path() {
        "/UpdateUserRegistrationPassword" | "/json/reply/Authenticate" => {
            "HTTP/1.1 401 Unauthorized"
        }
        _ => "HTTP/1.1 200 OK",
    }
}

fn wire(request: &Request<Bytes>) -> Vec<u8> {
    let (method, uri, body) = (request.method(), request.uri(), request.body());
    let length = body.len();
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
    let head = format!(
        "{method} {uri} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n{}\r\n",
        headers.collect::<String>()
    );
    [head.as_bytes(), body].concat()
}

/// Makes calls take the usual time in a region, and marked calls fail.
fn delay(relays: &Relays, latency: &Latency, seed: u64) {
    let (latency, rng) = (latency.clone(), Mutex::new(Rng(seed)));
    let attempted = Mutex::new(HashSet::new());
    relays.script(move |call| {
        let is_marked = |mark| call.body.contains(mark);
        let is_first = || attempted.lock().unwrap().insert(call.invocation.clone());
        let (action, usual) = if call.is_to_ses() {
            let action = match () {
                () if is_marked(REFUSED) => Action::refuse(400, "MessageRejected"),
                () if is_marked(THROTTLED) => Action::refuse(429, "TooManyRequestsException"),
                () if is_marked(HUNG_UP) => Action::HANG_UP,
                () if is_marked(SLOW) => Action::forward().after(Duration::from_secs(10)),
                () => Action::forward(),
            };
            (action, &latency.ses)
        } else {
            let action = match () {
                () if is_marked(THROTTLED) && is_first() => {
                    Action::refuse(400, "ThrottlingException")
                }
                () if is_marked(HUNG_UP) => Action::HANG_UP,
                () => Action::forward(),
            };
            (action, &latency.dynamodb)
        };
        action.after(rng.lock().unwrap().ms(usual))
    });
}

/// Serves on its own port. Returns a connection to it.
async fn serve(
    sandbox: Sandbox,
    serving: &mut JoinSet<std::io::Result<()>>,
) -> BufReader<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let forever = std::future::pending();
    serving.spawn(gateway::serve(listener, sandbox.functions, forever));
    let client = TcpStream::connect(address).await.unwrap();
    client.set_nodelay(true).unwrap();
    BufReader::new(client)
}

/// A random pause after the work, which is a common alternative to a floor.
#[derive(Debug)]
struct Jittered {
    function: Arc<dyn Handler>,
    most: f64,
    rng: Mutex<Rng>,
}

impl Handler for Jittered {
    fn front_door(&self) -> &FrontDoor {
        self.function.front_door()
    }

    fn init(&self) -> BoxFuture<'_, ()> {
        self.function.init()
    }

    fn handle(&self, request: shared::lambda::Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let answer = self.function.handle(request).await;
            let pause = self.rng.lock().unwrap().ms(&(0.0..self.most));
            tokio::time::sleep(pause).await;
            answer
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
