//! The boundary to Lambda, which turns events into [`Request`]s and responses into the gateway's
//! format.
//!
//! `lambda_http` converts the events. This module adds what `lambda_http` lacks: repair of events
//! that it would refuse or panic on (`repair`), events that are not HTTP requests, answers in
//! the caller's protocol after a panic, and metrics of each invocation.

mod handler;
mod invocation;
mod repair;
mod request;
mod runtime;

pub use handler::{Answer, Event, Handler};
pub use invocation::invoke;
pub use request::{MAX_HEAD, Request};
pub use runtime::run;
