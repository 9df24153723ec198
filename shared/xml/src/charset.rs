//! Character sets by their label, with the .NET Framework's meaning where it differs from the
//! WHATWG Encoding Standard's.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// How bytes stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// US-ASCII: each byte above 0x7F reads as `?`.
    Ascii,
    /// ISO-8859-1: bytes are code points. The WHATWG label means windows-1252.
    Latin1,
    /// Any other, as the Encoding Standard has it.
    Standard(&'static Encoding),
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self::Standard(UTF_8);

    /// The charset of this label, in any case; none when it is empty or unknown.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        let label = label.trim();
        let is_one_of = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
        if is_one_of(&["us-ascii", "ascii"]) {
            return Some(Self::Ascii);
        }
        if is_one_of(&["iso-8859-1", "iso_8859-1", "latin1"]) {
            return Some(Self::Latin1);
        }
        Encoding::for_label(label.as_bytes())
            .filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
            .map(Self::Standard)
    }

    /// The text; what the charset cannot represent becomes U+FFFD (`?` for US-ASCII).
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii => match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => bytes
                    .iter()
                    .map(|&byte| {
                        if byte.is_ascii() {
                            char::from(byte)
                        } else {
                            '?'
                        }
                    })
                    .collect(),
            },
            Self::Latin1 => encoding_rs::mem::decode_latin1(bytes),
            // The same, but faster for what is short and right.
            Self::Standard(encoding) if encoding == UTF_8 => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            },
            Self::Standard(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }
}
