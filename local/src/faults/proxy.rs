//! The proxy. It takes one request from each connection, so that closing a connection harms no
//! other request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use super::{Attempts, Fault, Injection};
use crate::Backend;

/// DynamoDB and SES, one call of which may fail.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Where DynamoDB seems to listen.
    pub dynamodb_url: String,
    /// Where SES seems to listen.
    pub ses_url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    seen: Mutex<Seen>,
    killed: Notify,
    /// How many connections are open.
    open: watch::Sender<usize>,
}

/// The calls so far, and what happens to one of them.
#[derive(Debug, Default)]
struct Seen {
    calls: Vec<Call>,
    injection: Option<Injection>,
}

#[derive(Debug)]
struct Call {
    /// The SDK's own number of it, the same for every attempt.
    invocation: String,
    name: String,
}

impl Proxy {
    /// A proxy in front of this backend, through which everything goes for now.
    pub async fn start(backend: &Backend) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        Ok(Self {
            dynamodb_url: listen(&shared, &backend.dynamodb_url).await?,
            ses_url: listen(&shared, &backend.ses_url).await?,
            shared,
        })
    }

    /// Counts calls from 0 again and lets one of them fail.
    pub fn inject(&self, injection: Option<Injection>) {
        let calls = Vec::new();
        *self.shared.seen() = Seen { calls, injection };
    }

    /// The names of the calls since then.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let seen = self.shared.seen();
        seen.calls.iter().map(|call| call.name.clone()).collect()
    }

    /// Resolves when the process is to end.
    pub async fn killed(&self) {
        self.shared.killed.notified().await;
    }

    /// Resolves when nothing is on its way any more, what is applied late included.
    pub async fn settled(&self) {
        let mut open = self.shared.open.subscribe();
        // There is a sender as long as there is `self`.
        let _ = open.wait_for(|open| *open == 0).await;
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// What happens to this request. Attempts at one call have the SDK's invocation id in common.
    fn fault(&mut self, request: &Request) -> Option<Fault> {
        let invocation = request.header("amz-sdk-invocation-id").unwrap_or_default();
        let known = self
            .calls
            .iter()
            .position(|call| call.invocation == invocation);
        let call = known.unwrap_or(self.calls.len());
        if known.is_none() {
            self.calls.push(Call {
                invocation: invocation.to_owned(),
                name: request.name(),
            });
        }
        let Injection {
            call: wanted,
            failure,
        } = self.injection?;
        let is_hit = call == wanted && (known.is_none() || failure.attempts == Attempts::Every);
        is_hit.then_some(failure.fault)
    }
}

/// Takes connections for the service at this URL; gives the URL to use instead.
async fn listen(shared: &Arc<Shared>, service_url: &str) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = service_url.trim_start_matches("http://").to_owned();
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            shared.open.send_modify(|open| *open += 1);
            let (shared, service) = (Arc::clone(&shared), service.clone());
            tokio::spawn(async move {
                // A connection that breaks is what this is about.
                let _ = serve(&shared, client, &service).await;
                shared.open.send_modify(|open| *open -= 1);
            });
        }
    });
    Ok(url)
}

async fn serve(shared: &Shared, client: TcpStream, service: &str) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    let Some(request) = Request::read(&mut client).await? else {
        return Ok(());
    };
    let fault = shared.seen().fault(&request);
    match fault {
        None => client.write_all(&request.forward(service).await?).await,
        Some(Fault::Refused) => client.get_ref().set_zero_linger(),
        Some(Fault::DroppedBefore) => Ok(()),
        Some(Fault::DroppedAfter) => request.forward(service).await.map(drop),
        Some(Fault::Throttled) => client.write_all(&request.throttled()).await,
        Some(Fault::ConditionFailed) => client.write_all(&request.refused()).await,
        Some(Fault::NotAnswered) => {
            request.forward(service).await?;
            given_up(&mut client).await
        }
        Some(Fault::AppliedLate) => {
            given_up(&mut client).await?;
            request.forward(service).await.map(drop)
        }
        Some(Fault::KilledBefore) => {
            shared.killed.notify_one();
            given_up(&mut client).await
        }
        Some(Fault::KilledAfter) => {
            request.forward(service).await?;
            shared.killed.notify_one();
            given_up(&mut client).await
        }
    }
}

/// Waits until the caller closes the connection, in whatever way.
async fn given_up(client: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let _ = client.read(&mut [0]).await;
    Ok(())
}

/// A request as it came.
struct Request {
    /// The request line and the headers, without the empty line.
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// The next request; nothing when the connection was closed instead.
    async fn read(client: &mut BufReader<TcpStream>) -> std::io::Result<Option<Self>> {
        let mut head = String::new();
        loop {
            let before = head.len();
            match client.read_line(&mut head).await? {
                0 => return Ok(None),
                2 => {
                    head.truncate(before);
                    break;
                }
                _ => {}
            }
        }
        let body = Vec::new();
        let mut request = Self { head, body };
        // The SDK always says how long a body is.
        let length = request.header("content-length").unwrap_or("0");
        request.body = vec![0; length.parse().unwrap_or(0)];
        client.read_exact(&mut request.body).await?;
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let headers = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'));
        let mut values = headers.filter(|(n, _)| n.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim())
    }

    /// The answer of the service, to the end of the connection.
    async fn forward(&self, service: &str) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(service).await?;
        let head = format!("{}connection: close\r\n\r\n", self.head);
        server.write_all(head.as_bytes()).await?;
        server.write_all(&self.body).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    /// DynamoDB's name of the operation; SES has but one that is used.
    fn operation(&self) -> Option<&str> {
        let target = self.header("x-amz-target")?;
        target.rsplit('.').next()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The operation and its table, and its index if it has one.
    fn name(&self) -> String {
        let Some(operation) = self.operation() else {
            return "SendEmail".to_owned();
        };
        let body = self.json();
        let text = |pointer| body.pointer(pointer).and_then(Value::as_str);
        let in_batch = || body.get("RequestItems")?.as_object()?.keys().next();
        let place = text("/IndexName")
            .or_else(|| text("/TableName"))
            .or_else(|| text("/TransactItems/0/Update/TableName"))
            .or_else(|| in_batch().map(String::as_str))
            .unwrap_or_default();
        // What follows a dot tells one test's table from another's.
        let place = place.split('.').next().unwrap_or_default();
        format!("{operation} {place}")
    }

    fn throttled(&self) -> Vec<u8> {
        match self.operation() {
            Some(_) => dynamodb_error("ProvisionedThroughputExceededException", &json!({})),
            None => answer(
                "429 Too Many Requests",
                "TooManyRequestsException",
                &json!({}),
            ),
        }
    }

    fn refused(&self) -> Vec<u8> {
        let items = |body: &Value| Some(body.get("TransactItems")?.as_array()?.len());
        match self.operation() {
            Some("TransactWriteItems") => {
                let others = items(&self.json()).unwrap_or(1).saturating_sub(1);
                let mut reasons = vec![json!({ "Code": "ConditionalCheckFailed" })];
                reasons.extend(std::iter::repeat_n(json!({ "Code": "None" }), others));
                let reasons = json!({ "CancellationReasons": reasons });
                dynamodb_error("TransactionCanceledException", &reasons)
            }
            Some(_) => dynamodb_error("ConditionalCheckFailedException", &json!({})),
            None => answer("400 Bad Request", "MessageRejected", &json!({})),
        }
    }
}

fn dynamodb_error(name: &str, body: &Value) -> Vec<u8> {
    // The SDK takes the name from the header, which both services may send.
    answer("400 Bad Request", name, body)
}

fn answer(status: &str, error: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amzn-errortype: {error}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
