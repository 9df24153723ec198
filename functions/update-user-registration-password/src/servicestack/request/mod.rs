//! Requests to typed input.

mod body;
mod credential;
mod decode;
mod form;
mod json;
mod jsv;
mod members;
mod xml;

pub use credential::credential;
pub use decode::decode;
