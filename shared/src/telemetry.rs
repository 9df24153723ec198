//! Logging as configured by Lambda's advanced logging controls.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{ConfigError, Env};

/// Starts logging to standard output. This is not generic, so that it is compiled in this crate,
/// which is optimised for size, and not in the binaries, which are optimised for speed.
pub fn init(env: Env<'_>) -> Result<(), ConfigError> {
    init_to(env, std::io::stdout)
}

/// Starts logging to `writer`, as JSON if `AWS_LAMBDA_LOG_FORMAT` is `JSON`, else as text. The
/// level is `AWS_LAMBDA_LOG_LEVEL` (or `RUST_LOG`, on a developer's machine), else INFO.
pub fn init_to<W>(env: Env<'_>, writer: W) -> Result<(), ConfigError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    subscriber(env, writer)?.init();
    Ok(())
}

/// Logs panics as events from now on. Only the location is logged, because a panic message may
/// quote input from a caller, as those of `str` do.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(tracing::field::display);
        tracing::error!(location, event = "thread.panicked", "a thread panicked");
    }));
}

fn subscriber<W>(env: Env<'_>, writer: W) -> Result<impl Subscriber + Send + Sync, ConfigError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = level(env)?;
    let format = env.optional("AWS_LAMBDA_LOG_FORMAT").unwrap_or_default();
    let is_json = format.eq_ignore_ascii_case("json");
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("lambda_runtime", level.min(LevelFilter::INFO))
        // The embedded DynamoDB warns about every failed condition.
        .with_target("dynoxide", level.min(LevelFilter::ERROR))
        .with_targets(OWN_TARGETS.map(|target| (target, level)));
    let lines = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_writer(writer);
    let lines = if is_json {
        // Lambda reads the level of a line only if the line has a timestamp.
        let lines = lines.json().flatten_event(true).with_span_list(false);
        lines.boxed()
    } else {
        lines.without_time().boxed()
    };
    Ok(tracing_subscriber::registry().with(lines.with_filter(filter)))
}

/// The targets that may log below WARN. The SDK and the HTTP client log whole requests at these
/// levels, with password hashes and addresses.
const OWN_TARGETS: [&str; 5] = [
    "local",
    "password",
    "reset_user_password",
    "shared",
    "update_user_registration_password",
];

fn level(env: Env<'_>) -> Result<LevelFilter, ConfigError> {
    let name = "AWS_LAMBDA_LOG_LEVEL";
    match env.optional(name) {
        // Lambda has one level more than tracing.
        Some(level) if level.eq_ignore_ascii_case("fatal") => Ok(LevelFilter::ERROR),
        Some(level) => level.parse().map_err(|_| {
            ConfigError::invalid(name, "must be TRACE, DEBUG, INFO, WARN, ERROR or FATAL")
        }),
        // `RUST_LOG` may be meant for other programs and contain more than a level.
        None => {
            let level = env
                .optional("RUST_LOG")
                .and_then(|level| level.parse().ok());
            Ok(level.unwrap_or(LevelFilter::INFO))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn lambdas_level_takes_precedence_over_the_developers() {
        let both = |name: &str| match name {
            "AWS_LAMBDA_LOG_LEVEL" => Some("WARN".to_owned()),
            "RUST_LOG" => Some("trace".to_owned()),
            _ => None,
        };
        assert_eq!(level(Env::new(&both)), Ok(LevelFilter::WARN));
        assert_eq!(level(Env::new(&|_| None)), Ok(LevelFilter::INFO));
    }

    #[test]
    fn only_lambdas_own_variable_must_be_valid() {
        for (name, value, expected) in [
            ("AWS_LAMBDA_LOG_LEVEL", "FATAL", Some(LevelFilter::ERROR)),
            ("AWS_LAMBDA_LOG_LEVEL", "loud", None),
            ("RUST_LOG", "info,hyper=warn", Some(LevelFilter::INFO)),
        ] {
            let lookup = |n: &str| (n == name).then(|| value.to_owned());
            assert_eq!(level(Env::new(&lookup)).ok(), expected, "{value}");
        }
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A value stays on its line in every format.
    #[test]
    fn a_value_cannot_add_a_line() {
        let json = |name: &str| (name == "AWS_LAMBDA_LOG_FORMAT").then(|| "JSON".to_owned());
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(Env::new(&json), move || writer.clone()).unwrap();
        let hostile = "x\",\"level\":\"ERROR\"}\r\n{\"message\":\"forged\"}\u{0}\u{1b}[2K\u{85}";
        tracing::subscriber::with_default(subscriber, || {
            let error: &dyn std::error::Error = &std::io::Error::other(hostile);
            tracing::info!(display = %hostile, debug = ?hostile, plain = hostile, error, "{hostile}");
        });
        let log = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(
            !log.trim_end().contains(|c: char| c.is_ascii_control()),
            "{log}"
        );
        let event: serde_json::Value = serde_json::from_str(&log).unwrap();
        assert_eq!(event["level"], "INFO");
        for field in ["display", "plain", "message", "error"] {
            assert_eq!(event[field], hostile, "{field}");
        }
    }
}
