//! Relays between the functions and DynamoDB or SES. They count connections and calls, and follow a
//! script for each call.

mod action;
mod message;

use std::fmt::{Debug, Formatter};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use action::{Action, Step};
pub use message::Call;
use message::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::sdk_clock::{SdkClock, redirected};
use local::Backend;

/// The number of connections that may wait to be accepted.
const BACKLOG: u32 = 128;

static REGIONS: AtomicU64 = AtomicU64::new(0);

/// The services that refuse connections, as if they were not running.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gone {
    /// DynamoDB.
    pub dynamodb: bool,
    /// SES.
    pub ses: bool,
}

/// The relays of one backend. Dropping them closes all connections.
#[derive(Debug)]
pub struct Relays {
    /// The backend, accessed through the relays.
    pub backend: Backend,
    /// The relay in front of DynamoDB.
    pub dynamodb: Relay,
    /// The relay in front of SES.
    pub ses: Relay,
    traffic: Arc<Traffic>,
}

impl Relays {
    /// Starts relays to this backend, with new clients that have no connection yet.
    pub fn start(backend: &Backend) -> std::io::Result<Self> {
        Self::start_without(backend, Gone::default())
    }

    /// Starts relays as [`Relays::start`] does, but with some of the services gone.
    pub fn start_without(backend: &Backend, gone: Gone) -> std::io::Result<Self> {
        let traffic = Arc::new(Traffic::new(SdkClock::of(&backend.clients)));
        let dynamodb = Relay::start(&backend.dynamodb_url, &traffic, gone.dynamodb)?;
        let ses = Relay::start(&backend.ses_url, &traffic, gone.ses)?;
        let region = format!("local-{}", REGIONS.fetch_add(1, Ordering::Relaxed));
        let clients = redirected(&backend.clients, region, [&dynamodb.url, &ses.url]);
        let clients = traffic.clock.clients(&clients);
        let backend = Backend {
            clients,
            dynamodb_url: dynamodb.url.clone(),
            ses_url: ses.url.clone(),
            ..backend.clone()
        };
        Ok(Self {
            backend,
            dynamodb,
            ses,
            traffic,
        })
    }

    /// Sets the script that decides what happens to each call. Without a script, all calls are
    /// forwarded.
    pub fn script(&self, script: impl Fn(&Call) -> Action + Send + Sync + 'static) {
        *lock(&self.traffic.script) = Some(Arc::new(script));
    }

    /// Sets the time before an unanswered call times out. By default, it times out at once.
    pub fn set_patience(&self, patience: Duration) {
        *lock(&self.traffic.patience) = patience;
    }

    /// Returns the calls to both services since this was last called, in order.
    #[expect(
        clippy::must_use_candidate,
        reason = "may be called only to discard the calls"
    )]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.traffic.calls))
    }

    /// The number of connections to both so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.dynamodb.connections() + self.ses.connections()
    }

    /// Resolves when no calls are in progress.
    pub async fn settled(&self) {
        let mut on_their_way = self.traffic.on_their_way.subscribe();
        // The sender lives as long as `self`.
        let _ = on_their_way.wait_for(|calls| *calls == 0).await;
    }
}

/// The calls to both services, and the script.
struct Traffic {
    script: Mutex<Option<Script>>,
    calls: Mutex<Vec<Call>>,
    on_their_way: watch::Sender<usize>,
    clock: SdkClock,
    patience: Mutex<Duration>,
}

type Script = Arc<dyn Fn(&Call) -> Action + Send + Sync>;

impl Traffic {
    fn new(clock: SdkClock) -> Self {
        Self {
            script: Mutex::default(),
            calls: Mutex::default(),
            on_their_way: watch::Sender::default(),
            clock,
            patience: Mutex::default(),
        }
    }

    fn action(&self, call: &Call) -> Action {
        let script = lock(&self.script).clone();
        script.map_or_else(Action::forward, |script| script(call))
    }
}

impl Debug for Traffic {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A relay on its own port.
#[derive(Debug)]
pub struct Relay {
    url: String,
    connections: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Relay {
    fn start(upstream: &str, traffic: &Arc<Traffic>, is_gone: bool) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let url = format!("http://{}", socket.local_addr()?);
        let connections = Arc::new(AtomicUsize::new(0));
        let mut accepting = JoinSet::new();
        if is_gone {
            // A port that is bound without listening refuses connections, and nobody else can use
            // it.
            accepting.spawn(async move {
                let _bound = socket;
                std::future::pending::<()>().await;
            });
        } else {
            let upstream = upstream.trim_start_matches("http://").to_owned();
            let (traffic, connections) = (Arc::clone(traffic), Arc::clone(&connections));
            accepting.spawn(accept(
                socket.listen(BACKLOG)?,
                upstream,
                traffic,
                connections,
            ));
        }
        Ok(Self {
            url,
            connections,
            _accepting: accepting,
        })
    }

    /// The number of connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn accept(
    listener: TcpListener,
    upstream: String,
    traffic: Arc<Traffic>,
    count: Arc<AtomicUsize>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let (upstream, traffic) = (upstream.clone(), Arc::clone(&traffic));
        // An error only ends the connection, which the other side notices.
        connections.spawn(async move { serve(client, number, &upstream, &traffic).await });
    }
}

/// Handles the calls of one connection one by one, until a call is not answered.
async fn serve(
    client: TcpStream,
    number: usize,
    upstream: &str,
    traffic: &Traffic,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut exchange = Exchange {
        client: BufReader::new(client),
        traffic,
        upstream,
        connected: None,
    };
    loop {
        let request = Message::read(&mut exchange.client).await?;
        traffic.on_their_way.send_modify(|calls| *calls += 1);
        let call = request.call(number);
        let Action(steps) = traffic.action(&call);
        lock(&traffic.calls).push(call);
        let is_answered = exchange.take(steps, &request).await;
        traffic.on_their_way.send_modify(|calls| *calls -= 1);
        if !is_answered? {
            return Ok(());
        }
    }
}

/// A connection of a caller, and the connection on which its calls are forwarded.
struct Exchange<'a> {
    client: BufReader<TcpStream>,
    traffic: &'a Traffic,
    upstream: &'a str,
    connected: Option<BufReader<TcpStream>>,
}

impl Exchange<'_> {
    /// Executes the steps. Returns whether the caller got an answer.
    async fn take(&mut self, steps: Vec<Step>, request: &Message) -> std::io::Result<bool> {
        let mut is_answered = false;
        for step in steps {
            match step {
                Step::Wait(delay) => tokio::time::sleep(delay).await,
                Step::Forward => {
                    let response = self.deliver(request).await?;
                    self.client.write_all(&response.bytes()).await?;
                    is_answered = true;
                }
                Step::Deliver => drop(self.deliver(request).await?),
                Step::Answer(response) => {
                    self.client.write_all(response.as_bytes()).await?;
                    is_answered = true;
                }
                Step::AwaitTimeout => {
                    let patience = *lock(&self.traffic.patience);
                    if timeout(patience, self.closed()).await.is_err() {
                        self.traffic.clock.pass_attempt();
                        self.closed().await;
                    }
                }
                Step::AwaitEnd => self.closed().await,
                Step::AwaitNotice(notice) => notice.notified().await,
                Step::Notify(whom) => whom.notify_one(),
                Step::Reset => self.client.get_ref().set_zero_linger()?,
            }
        }
        Ok(is_answered)
    }

    /// Resolves when the caller closes the connection in any way.
    async fn closed(&mut self) {
        let _ = self.client.read(&mut [0]).await;
    }

    /// Forwards a request, and returns the service's answer.
    async fn deliver(&mut self, request: &Message) -> std::io::Result<Message> {
        let connected = match &mut self.connected {
            Some(connected) => connected,
            unconnected @ None => {
                let upstream = TcpStream::connect(self.upstream).await?;
                upstream.set_nodelay(true)?;
                unconnected.insert(BufReader::new(upstream))
            }
        };
        connected.write_all(&request.bytes()).await?;
        Message::read(connected).await
    }
}
