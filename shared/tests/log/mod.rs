//! The log of a test binary, in JSON.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Error, Write};
use std::sync::{Mutex, PoisonError};

use shared::config::Env;
use shared::telemetry;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Starts logging, for the whole process.
pub(crate) fn start() {
    let json = |name: &str| (name == "AWS_LAMBDA_LOG_FORMAT").then(|| "JSON".to_owned());
    telemetry::init_to(Env::new(&json), || Log).unwrap();
}

/// Returns what was logged since the last time.
pub(crate) fn take() -> String {
    let log = std::mem::take(&mut *LOG.lock().unwrap_or_else(PoisonError::into_inner));
    String::from_utf8(log).unwrap()
}
