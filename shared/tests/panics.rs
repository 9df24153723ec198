//! Panics are logged as events. This needs its own test binary, because the panic hook is global.

mod log;

use serde_json::Value;
use shared::telemetry;

#[test]
fn a_panic_is_an_event_without_its_message() {
    log::start();
    telemetry::log_panics();

    let secret = "pässword\nof a caller";
    // The message of the panic quotes the text.
    let sliced = std::thread::spawn(move || secret[..2].len());
    assert!(sliced.join().is_err());

    let log = log::take();
    assert!(!log.contains("caller"), "{log}");
    let event: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(event["event"], "thread.panicked");
    assert_eq!(event["level"], "ERROR");
    let location = event["location"].as_str().unwrap();
    assert!(location.contains(file!()), "{location}");
}
