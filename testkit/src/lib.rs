//! Code shared by the tests: sandboxes, relays and faults in front of DynamoDB and SES, requests,
//! and the runners of recorded exchanges and sample events.
//!
//! No program depends on this package, as `.ci/run` checks.

mod backend;
pub mod corpus;
pub mod diagram;
pub mod events;
pub mod faults;
pub mod item;
pub mod relay;
pub mod requests;
mod runner;
mod sandbox;
mod sdk_clock;
pub mod thaw;
mod watch;

pub use backend::{backend, backend_with};
pub use runner::run;
pub use sandbox::{Sandbox, with_default_cost};
pub use watch::logged_elsewhere;
