//! Strict reading of XML 1.0 with namespaces, escaping for writing it, and SOAP envelopes.
//!
//! `quick-xml` finds the markup; [`Reader`] checks what `quick-xml` leaves to its caller: one root
//! element, balanced tags, only white space, comments and instructions outside the root, declared
//! prefixes, unique attributes, legal names and characters, no DOCTYPE, only references to
//! characters and the five predefined entities, and limits on depth, attributes and namespaces.
//! [`decode()`] and [`decode_unicode`] turn the bytes of a document into text; [`Charset`] does the
//! same for other bodies.
//!
//! It is a separate package so that it can be optimised for speed (see the workspace's
//! `Cargo.toml`).

mod attributes;
mod chars;
mod charset;
mod declaration;
mod decode;
mod error;
mod escape;
mod names;
mod namespace;
mod node;
mod reader;
mod reference;
pub mod soap;

pub use attributes::MAX_ATTRIBUTES;
pub use chars::is_legal;
pub use charset::Charset;
pub use decode::{DecodeError, Fallback, decode, decode_unicode};
pub use error::{Error, ErrorKind};
pub use escape::{escape_attribute, escape_text};
pub use namespace::{MAX_NAMESPACES, SCHEMA_INSTANCE};
pub use node::{Element, Node};
pub use reader::{MAX_DEPTH, Reader};
