//! The boundary to Lambda: events become [`Request`]s, responses become what the gateway expects.
//!
//! `lambda_http` knows the events; this adds what it leaves open: events that its conversion would
//! refuse or panic on (`repair`), events that are no requests, a panic answered in the caller's
//! protocol, and the metrics of each invocation.

mod handler;
mod invocation;
mod repair;
mod request;
mod runtime;

pub use handler::{Answer, Event, Handler};
pub use invocation::invoke;
pub use request::{MAX_HEAD, Request};
pub use runtime::run;
