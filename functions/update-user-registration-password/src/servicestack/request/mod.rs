//! Requests to typed input.

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
mod soap;
mod xml;

pub use credential::credential;
pub use decode::decode;
pub(super) use form::form_value;
