//! Strict XML 1.0 on the way in, careful escaping on the way out.
//!
//! `quick-xml` finds the markup; [`Reader`] adds what it leaves to its caller: one root, balanced,
//! nothing but white space, comments and instructions around it, declared prefixes, unique
//! attributes, legal names and characters, no DOCTYPE, only the five predefined entities and
//! character references, and limits on depth and attributes. Bytes become text in [`decode`]
//! or [`decode_unicode`] before any of it is read, and by a [`Charset`] where it comes with one.
//!
//! A package of its own because it is optimised for speed: see the workspace's `Cargo.toml`.

mod charset;
mod decode;
mod escape;
mod reader;
pub mod soap;

pub use charset::Charset;
pub use decode::{DecodeError, Fallback, decode, decode_unicode};
pub use escape::{escape_attribute, escape_text};
pub use reader::{
    Element, Error, ErrorKind, MAX_ATTRIBUTES, MAX_DEPTH, MAX_NAMESPACES, Node, Reader,
};

/// The namespace of `xsi:nil` and `xsi:type`.
pub const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
