//! HTTP/1.1 requests and responses as text, exactly as they go over the wire.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The time in which a response must arrive, longer than that of a function.
const TIMEOUT: Duration = Duration::from_secs(35);
/// The maximum length of a response in bytes.
const MAX_RESPONSE: u64 = 10 * 1024 * 1024;

/// A request. It has no `Debug` because it may contain passwords.
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// The path and query, percent-encoded.
    pub(crate) target: String,
    /// The headers that depend on the call.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body of a POST.
    pub(crate) body: String,
}

impl Request {
    /// The request as text. `content_length` is an argument because a masked request shows the
    /// `Content-Length` of the real one.
    pub(crate) fn text(&self, host: SocketAddr, content_length: usize) -> String {
        let Self {
            method,
            target,
            headers,
            body,
        } = self;
        let headers = headers.iter();
        let headers: String = headers
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = match *method {
            "POST" => format!("Content-Length: {content_length}\r\n"),
            _ => String::new(),
        };
        format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}Connection: close\r\n\r\n{body}"
        )
    }
}

/// Sends a request over a new connection and returns the response.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> io::Result<String> {
    let answered = async {
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        let mut limited = connection.take(MAX_RESPONSE);
        limited.read_to_end(&mut response).await?;
        Ok(String::from_utf8_lossy(&response).into_owned())
    };
    tokio::time::timeout(TIMEOUT, answered).await?
}
