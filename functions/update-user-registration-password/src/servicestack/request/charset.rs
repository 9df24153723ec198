//! The charsets of forms.

use std::borrow::Cow;

use super::body::Unreadable;

/// The charset of a form or of one of its parts.
///
/// Only two are supported, because the tables of the others would make up a twentieth of a zipped
/// binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8, the default.
    Utf8,
    /// ISO-8859-1.
    Latin1,
}

impl Charset {
    /// Finds the charset of a `charset` parameter. Other charsets are errors.
    pub(super) fn for_label(label: Option<&str>) -> Result<Self, Unreadable> {
        match label.map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "utf-8" | "utf8" | "us-ascii") => Ok(Self::Utf8),
            Some("iso-8859-1" | "latin1") => Ok(Self::Latin1),
            Some(_) => Err(Unreadable),
        }
    }

    /// Decodes text. Bytes that are invalid in the charset are errors.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
        match self {
            Self::Utf8 => Ok(Cow::Borrowed(std::str::from_utf8(bytes)?)),
            Self::Latin1 => Ok(bytes.iter().copied().map(char::from).collect()),
        }
    }
}
