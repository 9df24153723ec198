//! Panics are logged as events. This needs its own test binary, because the panic hook is global.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use shared::config::Env;
use shared::telemetry;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_is_an_event_without_its_message() {
    let json = |name: &str| (name == "AWS_LAMBDA_LOG_FORMAT").then(|| "JSON".to_owned());
    telemetry::init_to(Env::new(&json), || Log).unwrap();
    telemetry::log_panics();

    let secret = "pässword\nof a caller";
    // The message of the panic quotes the text.
    let sliced = std::thread::spawn(move || secret[..2].len());
    assert!(sliced.join().is_err());

    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let log = String::from_utf8_lossy(&log);
    assert!(!log.contains("caller"), "{log}");
    let event: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(event["event"], "thread.panicked");
    assert_eq!(event["level"], "ERROR");
    let location = event["location"].as_str().unwrap();
    assert!(location.contains(file!()), "{location}");
}
