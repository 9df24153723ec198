//! The code that both functions share. Each function implements its own protocol.
//!
//! | module | contents | what it may use |
//! |---|---|---|
//! | the packages `xml` and `password` | strict XML, SOAP envelopes, Argon2id | no async, no HTTP, no AWS |
//! | [`users`], [`sessions`], [`brands`], [`mail`], [`rate_limit`], [`audit`] | the tables, and sending mail | the SDKs (DynamoDB's with [`dynamodb`]), no HTTP, no protocol |
//! | [`dynamodb`] | attribute values, errors, retries | the SDK |
//! | [`context`] | the context of a request | std |
//! | [`text`] | untrusted text on one line | std |
//! | `names` | normal forms of names and domains | `icu_normalizer`, `idna` |
//! | [`config`], [`clock`] | the environment and the time, each read in one place | std |
//! | [`password_service`], [`response_floor`] | Argon2id on a separate thread, and answers at fixed times | `tokio` |
//! | [`front_door`] | requests that come through CloudFront, and its headers about the caller | `http`, `subtle` |
//! | [`http`] | paths, parameters of queries and forms, HTML pages | `http`, `askama` |
//! | [`telemetry`], [`metrics`] | logs and CloudWatch metrics | `tracing`, `serde_json` |
//! | [`lambda`], [`aws`] | the boundary to AWS: events in, responses out, clients | `lambda_http`, the SDKs |
//!
//! Nothing here depends on ASMX or ServiceStack, which are implemented by their functions.

pub mod audit;
pub mod aws;
pub mod brands;
pub mod clock;
pub mod config;
pub mod context;
pub mod dynamodb;
pub mod front_door;
pub mod http;
pub mod lambda;
pub mod mail;
pub mod metrics;
mod names;
pub mod password_service;
pub mod rate_limit;
pub mod response_floor;
pub mod sessions;
pub mod telemetry;
pub mod text;
pub mod users;
