//! A pool of connections, which are reused unless they have been idle for too long.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_types::body::SdkBody;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::clock::{Clock, Timestamp};

/// A client with its own connections.
pub(super) type Client = legacy::Client<HttpsConnector<TcpConnector>, SdkBody>;

/// A pool that replaces its client, with all connections, when they may be dead.
#[derive(Debug)]
pub(super) struct Pool {
    connector: HttpsConnector<TcpConnector>,
    max_idle: Duration,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    client: Client,
    used: Instant,
    used_at: Timestamp,
}

impl Pool {
    pub(super) fn new(connector: HttpsConnector<TcpConnector>, max_idle: Duration) -> Self {
        let current = Current::new(&connector, max_idle);
        Self {
            connector,
            max_idle,
            current: Mutex::new(current),
        }
    }

    /// Returns the client for a call that begins now.
    pub(super) fn client(&self) -> Client {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.idle() > self.max_idle {
            *current = Current::new(&self.connector, self.max_idle);
        }
        current.used = Instant::now();
        current.used_at = Clock::system().now();
        current.client.clone()
    }

    /// Replaces the client with a new one, which has no connections yet, and returns it.
    pub(super) fn renewed(&self) -> Client {
        let current = Current::new(&self.connector, self.max_idle);
        let client = current.client.clone();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
        client
    }
}

impl Current {
    fn new(connector: &HttpsConnector<TcpConnector>, max_idle: Duration) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(max_idle)
            .build(connector.clone());
        Self {
            client,
            used: Instant::now(),
            used_at: Clock::system().now(),
        }
    }

    /// The time since the last call began. The monotonic clock may stop while the process is
    /// frozen, and the system clock may be set back, so the longer of the two times counts.
    fn idle(&self) -> Duration {
        let seconds = Clock::system().now().0.saturating_sub(self.used_at.0);
        // Two moments a fraction of a second apart can fall in different seconds.
        self.used
            .elapsed()
            .max(Duration::from_secs(seconds.saturating_sub(1)))
    }
}
