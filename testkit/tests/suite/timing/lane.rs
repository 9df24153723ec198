//! The measurement: services over real HTTP, and the time of one answer after another.

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
use local::{Backend, gateway};
use serde_json::{Value, json};
use shared::front_door::FrontDoor;
use shared::lambda::{Answer, Event, Handler};
use testkit::Sandbox;
use testkit::relay::{Action, Gone, Relays};
use testkit::requests::{log_in, reset, set_password};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::rng::Rng;
use super::state::{HUNG_UP, REFUSED, SLOW, State, THROTTLED};

/// Twice the passes of the default.
const DEARER: &str = "$argon2id$v=19$m=19456,t=4,p=1$AAECAwQFBgcICQoLDA0ODw\
                      $AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

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
}

/// Tables and mails of their own, and services on them.
pub(crate) struct Lane {
    /// The tables without delays, and a service without a floor, to prepare a request.
    tables: Sandbox,
    setting: Setting,
    service: Service,
    without_ses: Service,
    rng: Rng,
    names: usize,
}

impl Lane {
    pub(crate) async fn start(pacing: Pacing, latency: &Latency, seed: u64) -> Self {
        let backend = testkit::backend().await;
        let tables = Sandbox::on(backend, &[("RESET_PER_MINUTE", "1")]).unwrap();
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

    /// From now on there are services that were not in use yet: the SDK makes no second attempts
    /// when there were too many, and then a connection that was hung up fails the next request.
    pub(crate) async fn renew(&mut self) {
        (self.service, self.without_ses) = self.setting.services(self.rng.next()).await;
    }

    /// The times of a request in this state and of one for an unknown name, in ms, one after the
    /// other, either first.
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

    /// A name that no request was about: one that is limited would be in another state.
    fn name(&mut self, state: State, kind: &str) -> String {
        self.names += 1;
        format!("{}{kind}-{}", state.prefix(), self.names)
    }

    /// A name that is in this state when it is asked for.
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
            State::DearerHash => {
                item.insert("password_hash".into(), text(DEARER));
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
        // At no fixed distance from the last answer, which came with a tick of the timer.
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

/// What the services of a lane have in common.
struct Setting {
    backend: Backend,
    pacing: Pacing,
    latency: Latency,
}

impl Setting {
    /// A service that was used, so that its first request is none that counts, and one for which
    /// SES is gone.
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

    /// A service as a process has it when it starts.
    async fn service(&self, seed: u64, gone: Gone) -> Service {
        let relays = Relays::start_without(&self.backend, gone).unwrap();
        delay(&relays, &self.latency, seed);
        let floor = match self.pacing {
            Pacing::Floor(ms) => ms.to_string(),
            Pacing::Off | Pacing::Jitter(_) => "0".to_owned(),
        };
        let variables = [
            ("RESPONSE_FLOOR_MS", &*floor),
            ("RESET_PER_MINUTE", "1"),
            ("LOGIN_FAILURES_PER_MINUTE", "1000"),
        ];
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
    /// The time from sending a request to having all of its answer, in ms.
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

/// How every reset is answered, and every login that fails.
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

/// From now on calls take as long as they do in a region, and those that are marked fail.
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

/// Serves on a port of its own; gives a connection to it.
async fn serve(
    sandbox: Sandbox,
    serving: &mut JoinSet<std::io::Result<()>>,
) -> BufReader<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let outbox = sandbox.backend.outbox.clone();
    let forever = std::future::pending();
    serving.spawn(gateway::serve(listener, sandbox.functions, outbox, forever));
    let client = TcpStream::connect(address).await.unwrap();
    client.set_nodelay(true).unwrap();
    BufReader::new(client)
}

/// What is often done in place of a floor: a random pause after the work.
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
