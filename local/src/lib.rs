//! Both services on this machine, without an AWS account: an embedded DynamoDB, an SES endpoint
//! that keeps the emails, and a gateway that turns requests into Lambda events.
//!
//! The program is in `main.rs`. Tests and benchmarks use the same parts.

pub mod attribute;
mod backend;
mod calls;
mod demo;
mod error;
pub mod front_door;
mod functions;
pub mod gateway;
mod guard;
mod hasher;
mod html;
pub mod previews;
pub mod ses;
pub mod site;
mod table_pages;
pub mod tables;
mod trail;
mod trial;
mod wire;

pub use attribute::Item;
pub use backend::{Backend, Storage, aws_config};
pub use error::{Error, causes};
pub use functions::{Configs, Functions, default_variable};
pub use hasher::hasher;
