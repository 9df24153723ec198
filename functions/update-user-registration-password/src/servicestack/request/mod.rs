//! Decoding of requests into typed input.

mod authenticate;
mod body;
mod charset;
mod compression;
mod credential;
mod csv;
mod decode;
mod form;
mod header;
mod json;
mod jsv;
mod members;
mod multipart;
mod origin;
mod session;
mod soap;
mod verb;
mod xml;

pub use authenticate::authenticate;
pub use credential::credential;
pub use decode::decode;
pub(super) use soap::soap_operation;
pub(super) use verb::verb;
