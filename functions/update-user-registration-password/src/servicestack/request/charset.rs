//! Charsets of forms.

use std::borrow::Cow;

use super::body::Unreadable;

/// Charset of a form or of one of its parts.
///
/// Only these two, as the tables of all others are a twentieth of a zipped binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8, the default.
    Utf8,
    /// ISO-8859-1.
    Latin1,
}

impl Charset {
    /// Charset of a `charset` parameter. Another than these two is unreadable.
    pub(super) fn named(label: Option<&str>) -> Result<Self, Unreadable> {
        match label.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "utf-8" | "utf8" | "us-ascii") => Ok(Self::Utf8),
            Some("iso-8859-1" | "latin1") => Ok(Self::Latin1),
            Some(_) => Err(Unreadable),
        }
    }

    /// Decodes text. Bytes that the charset does not have are unreadable.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
        match self {
            Self::Utf8 => Ok(Cow::Borrowed(std::str::from_utf8(bytes)?)),
            Self::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        }
    }
}
