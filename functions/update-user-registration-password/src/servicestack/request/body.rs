//! Helpers that the readers of bodies share.

use std::str::Utf8Error;

use super::members::NotBoolean;

/// The error for a body that is invalid in its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

impl From<NotBoolean> for Unreadable {
    fn from(_: NotBoolean) -> Self {
        Self
    }
}

impl From<Utf8Error> for Unreadable {
    fn from(_: Utf8Error) -> Self {
        Self
    }
}

/// Decodes a body as UTF-8, whatever its content type says, with or without a byte order mark.
/// Bytes that are not UTF-8 are refused: decoded with U+FFFD in their place, they would set a
/// password that nobody chose.
pub(super) fn text(body: &[u8]) -> Result<&str, Unreadable> {
    let text = std::str::from_utf8(body)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Parses a boolean of JSON or JSV, in which null is false.
pub(super) fn boolean(text: Option<&str>) -> Option<bool> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "1" | "on") => Some(true),
        Some("false" | "0" | "off") | None => Some(false),
        Some(_) => None,
    }
}
