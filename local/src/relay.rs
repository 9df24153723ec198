//! What tests put between the functions and DynamoDB or SES: it counts connections and calls, and
//! delays each call, answers it itself or hangs up, as it is told.

use std::fmt::{Debug, Formatter};
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::aws::Clients;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::Backend;
use crate::backend::access;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// A call of the SDK.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GetItem`, `SendEmail`, or the path of a call to SES that the services need no answer to.
    pub operation: String,
    /// The body.
    pub body: String,
}

/// What the relay does with a call.
#[derive(Debug, Clone)]
pub struct Action {
    /// How long it waits first.
    pub delay: Duration,
    /// What it does then.
    pub reply: Reply,
}

/// What the SDK gets to see.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The service's own answer.
    Forward,
    /// This answer; the service never sees the call.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The header that names AWS's error; none when empty.
        error: &'static str,
        /// The body.
        body: String,
    },
    /// The connection's end; the service never sees the call.
    HangUp,
}

impl Action {
    /// The service's own answer, at once.
    pub const FORWARD: Self = Self {
        delay: Duration::ZERO,
        reply: Reply::Forward,
    };
    /// The connection's end, at once.
    pub const HANG_UP: Self = Self {
        delay: Duration::ZERO,
        reply: Reply::HangUp,
    };

    /// The service's own answer after this time.
    #[must_use]
    pub fn slow(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::FORWARD
        }
    }

    /// An error of AWS's, at once.
    #[must_use]
    pub fn refuse(status: u16, error: &'static str) -> Self {
        Self::answer(status, error, "{\"message\":\"refused as told\"}")
    }

    /// This answer, at once.
    #[must_use]
    pub fn answer(status: u16, error: &'static str, body: &str) -> Self {
        Self {
            delay: Duration::ZERO,
            reply: Reply::Answer {
                status,
                error,
                body: body.to_owned(),
            },
        }
    }
}

type Script = Arc<dyn Fn(&Call) -> Action + Send + Sync>;

/// What refuses connections, as a machine that does not run the service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gone {
    /// DynamoDB.
    pub dynamodb: bool,
    /// SES.
    pub ses: bool,
}

/// The relays of one backend.
#[derive(Debug)]
pub struct Relays {
    /// The backend, reached through the relays.
    pub backend: Backend,
    /// In front of DynamoDB.
    pub dynamodb: Relay,
    /// In front of SES.
    pub ses: Relay,
    calls: Calls,
}

impl Relays {
    /// Relays to this backend, with clients of their own that have no connection yet.
    pub fn start(backend: &Backend) -> std::io::Result<Self> {
        Self::start_without(backend, Gone::default())
    }

    /// The same, with some of the services gone.
    pub fn start_without(backend: &Backend, gone: Gone) -> std::io::Result<Self> {
        let calls = Calls::default();
        let dynamodb = Relay::start(&backend.dynamodb_url, calls.clone(), gone.dynamodb)?;
        let ses = Relay::start(&backend.ses_url, calls.clone(), gone.ses)?;
        let clients = Clients::new(access(dynamodb.url.clone(), ses.url.clone()));
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
            calls,
        })
    }

    /// The calls to both since the last time, in their order.
    #[expect(
        clippy::must_use_candidate,
        reason = "taking them is a way to forget them"
    )]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock())
    }

    /// The connections to both so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.dynamodb.connections() + self.ses.connections()
    }
}

#[derive(Debug, Clone, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One relay, on a port of its own. It ends when it is dropped.
pub struct Relay {
    url: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    upstream: String,
    script: Mutex<Script>,
    calls: Calls,
    connections: AtomicUsize,
}

impl Debug for Relay {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Relay {
    fn start(upstream: &str, calls: Calls, is_gone: bool) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let url = format!("http://{}", socket.local_addr()?);
        let state = Arc::new(State {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            script: Mutex::new(Arc::new(|_| Action::FORWARD)),
            calls,
            connections: AtomicUsize::new(0),
        });
        let accepting = if is_gone {
            // A port that is bound and not listened on refuses, and is nobody else's.
            tokio::spawn(async move {
                let _bound = socket;
                std::future::pending::<()>().await;
            })
        } else {
            tokio::spawn(accept(socket.listen(BACKLOG)?, Arc::clone(&state)))
        };
        Ok(Self {
            url,
            state,
            accepting,
        })
    }

    /// From now on this decides what happens to a call.
    pub fn script(&self, script: impl Fn(&Call) -> Action + Send + Sync + 'static) {
        let current = self.state.script.lock();
        *current.unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }

    /// The connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(&state);
        // An error is an end of the connection: what the other side notices is all there is to it.
        tokio::spawn(async move { serve(client, &state).await });
    }
}

/// Handles the calls of one connection, one after another.
async fn serve(client: TcpStream, state: &State) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    let mut upstream = None;
    loop {
        let request = Message::read(&mut client).await?;
        let action = state.decide(&request);
        tokio::time::sleep(action.delay).await;
        match action.reply {
            Reply::HangUp => return Ok(()),
            Reply::Answer {
                status,
                error,
                body,
            } => {
                client
                    .write_all(answer(status, error, &body).as_bytes())
                    .await?;
            }
            Reply::Forward => {
                let upstream = match &mut upstream {
                    Some(connected) => connected,
                    unconnected @ None => unconnected.insert(state.connect().await?),
                };
                upstream.write_all(&request.bytes()).await?;
                let response = Message::read(upstream).await?;
                client.write_all(&response.bytes()).await?;
            }
        }
    }
}

fn answer(status: u16, error: &str, body: &str) -> String {
    let error = match error {
        "" => String::new(),
        error => format!("x-amzn-errortype: {error}\r\n"),
    };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} As Told\r\n{error}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

impl State {
    fn decide(&self, request: &Message) -> Action {
        let call = request.call();
        let script = Arc::clone(&self.script.lock().unwrap_or_else(PoisonError::into_inner));
        let action = script(&call);
        self.calls.lock().push(call);
        action
    }

    async fn connect(&self) -> std::io::Result<BufReader<TcpStream>> {
        let upstream = TcpStream::connect(&self.upstream).await?;
        upstream.set_nodelay(true)?;
        Ok(BufReader::new(upstream))
    }
}

/// A request or a response of HTTP/1.1 whose body has a `Content-Length`, as all here have.
struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    async fn read(from: &mut BufReader<TcpStream>) -> std::io::Result<Self> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if from.read_line(&mut head).await? == 0 {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
        }
        let mut message = Self { head, body: vec![] };
        let length = message.header("content-length").unwrap_or("0").parse();
        let length = length.map_err(|_| Error::from(ErrorKind::InvalidData))?;
        message.body = vec![0; length];
        from.read_exact(&mut message.body).await?;
        Ok(message)
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn call(&self) -> Call {
        let path = self.head.split(' ').nth(1).unwrap_or_default();
        let operation = match self.header("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or_default(),
            None if path.starts_with("/v2/email/outbound-emails") => "SendEmail",
            None => path,
        };
        Call {
            operation: operation.to_owned(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}
