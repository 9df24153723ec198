//! The messages that pass through a relay.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;

const SEND_EMAIL: &str = "SendEmail";

/// A call of the SDK.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation: `GetItem`, `SendEmail`, or the path of another call to SES.
    pub operation: String,
    /// The SDK's invocation id, which is the same for every attempt.
    pub invocation: String,
    /// The body.
    pub body: String,
    /// Whether the call is signed.
    pub is_signed: bool,
    /// Whether this is a retry by the SDK, after a back-off.
    pub is_retry: bool,
    /// The number of its connection, counted per relay from 0.
    pub connection: usize,
}

impl Call {
    /// Whether the call is to SES instead of DynamoDB.
    #[must_use]
    pub fn is_to_ses(&self) -> bool {
        self.operation == SEND_EMAIL || self.operation.starts_with('/')
    }
}

/// An HTTP/1.1 request or response.
pub(super) struct Message {
    head: String,
    /// The body as sent, which may be chunked.
    body: Vec<u8>,
}

impl Message {
    pub(super) async fn read(from: &mut BufReader<TcpStream>) -> std::io::Result<Self> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if from.read_line(&mut head).await? == 0 {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
        }
        let mut message = Self { head, body: vec![] };
        if message.header("transfer-encoding") == Some("chunked") {
            message.body = chunks(from).await?;
            return Ok(message);
        }
        let length = message.header("content-length").unwrap_or("0").parse();
        let length = length.map_err(|_| Error::from(ErrorKind::InvalidData))?;
        message.body = vec![0; length];
        from.read_exact(&mut message.body).await?;
        Ok(message)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn call(&self, connection: usize) -> Call {
        let path = self.head.split(' ').nth(1).unwrap_or_default();
        let operation = match self.header("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or_default(),
            None if path.starts_with("/v2/email/outbound-emails") => SEND_EMAIL,
            None => path,
        };
        let invocation = self.header("amz-sdk-invocation-id").unwrap_or_default();
        let attempt = self.header("amz-sdk-request");
        Call {
            operation: operation.to_owned(),
            invocation: invocation.to_owned(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
            is_signed: self.header("authorization").is_some(),
            is_retry: attempt.is_some_and(|attempt| !attempt.starts_with("attempt=1")),
            connection,
        }
    }
}

/// Reads all chunks of a body without a trailer (RFC 9112 section 7.1).
async fn chunks(from: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut chunks = Vec::new();
    loop {
        let mut size = String::new();
        from.read_line(&mut size).await?;
        chunks.extend_from_slice(size.as_bytes());
        let size = usize::from_str_radix(size.trim(), 16);
        let size = size.map_err(|_| Error::from(ErrorKind::InvalidData))?;
        let mut chunk = vec![0; size + "\r\n".len()];
        from.read_exact(&mut chunk).await?;
        chunks.append(&mut chunk);
        if size == 0 {
            return Ok(chunks);
        }
    }
}
