//! What both functions need and neither protocol owns.
//!
//! | module | what it does | what it may use |
//! |---|---|---|
//! | [`xml`], [`password`] (packages) | strict XML, SOAP envelopes, Argon2id | no async, no HTTP, no AWS |
//! | [`users`], [`brands`], [`mail`], [`limits`], [`audit`] | the tables and the mailbox | their SDK, no HTTP, no protocol |
//! | [`text`] | names of other people in lines of ours | std |
//! | [`config`], [`clock`] | the environment and the time, each read in one place | std |
//! | [`hashing`], [`pace`] | Argon2id beside the runtime's thread, and when an answer is given | `tokio` |
//! | [`http`] | paths, parameters of queries and forms, pages | `http`, `askama` |
//! | [`telemetry`], [`metrics`] | logs, and what CloudWatch counts | `tracing`, `serde_json` |
//! | [`lambda`], [`aws`] | the boundary to AWS: events in, responses out, clients | `lambda_http`, the SDKs |
//!
//! Nothing here knows ASMX or ServiceStack; those live with their functions.

mod attribute;
pub mod audit;
pub mod aws;
pub mod brands;
pub mod clock;
pub mod config;
pub mod hashing;
pub mod http;
pub mod lambda;
pub mod limits;
pub mod mail;
pub mod metrics;
pub mod pace;
pub mod telemetry;
pub mod text;
pub mod users;
