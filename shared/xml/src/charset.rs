//! Charsets by their label: the WHATWG Encoding Standard's, except where the .NET Framework gives a
//! label a different meaning.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// A charset: a mapping from bytes to characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// US-ASCII. Bytes above 0x7F decode to `?`, as in the .NET Framework.
    Ascii,
    /// ISO-8859-1. Bytes are code points; the Encoding Standard decodes this label as windows-1252.
    Latin1,
    /// An encoding of the Encoding Standard.
    Standard(&'static Encoding),
}

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self::Standard(UTF_8);

    /// Finds the charset of a label, ignoring case. Returns `None` if the label is empty or
    /// unknown.
    #[must_use]
    pub fn for_label(label: &str) -> Option<Self> {
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

    /// Decodes `bytes`. Bytes that are invalid in the charset become U+FFFD (`?` for US-ASCII).
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Ascii => bytes
                .iter()
                .map(|&byte| match byte {
                    0..=0x7F => char::from(byte),
                    _ => '?',
                })
                .collect(),
            Self::Latin1 => encoding_rs::mem::decode_latin1(bytes),
            // Faster than encoding_rs for short, well-formed text.
            Self::Standard(encoding) if encoding == UTF_8 => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            },
            Self::Standard(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_in_any_case_and_padded() {
        for (label, charset) in [
            ("us-ascii", Charset::Ascii),
            ("ASCII", Charset::Ascii),
            ("iso-8859-1", Charset::Latin1),
            ("ISO_8859-1", Charset::Latin1),
            ("latin1", Charset::Latin1),
            (" \tUTF-8 ", Charset::UTF_8),
            (" Ascii\n", Charset::Ascii),
            ("windows-1252", Charset::Standard(encoding_rs::WINDOWS_1252)),
            ("utf-16", Charset::Standard(encoding_rs::UTF_16LE)),
        ] {
            assert_eq!(Charset::for_label(label), Some(charset), "{label:?}");
        }
        // The Encoding Standard decodes any text in the last one as a single U+FFFD.
        for label in ["", " ", "x-unknown", "iso-2022-kr"] {
            assert_eq!(Charset::for_label(label), None, "{label:?}");
        }
    }

    #[test]
    fn bytes_beyond_a_charset_are_replaced() {
        for (charset, bytes, text) in [
            (Charset::Ascii, &b"a~"[..], "a~"),
            (Charset::Ascii, "aé\u{7f}".as_bytes(), "a??\u{7f}"),
            (Charset::Ascii, b"\x80\xff", "??"),
            (Charset::Latin1, b"a\x80\xe9", "a\u{80}é"),
            (Charset::UTF_8, "é😀".as_bytes(), "é😀"),
            (Charset::UTF_8, b"a\xe9b", "a\u{fffd}b"),
            (Charset::UTF_8, "\u{feff}a".as_bytes(), "\u{feff}a"),
            (Charset::Standard(encoding_rs::WINDOWS_1252), b"\x80", "€"),
        ] {
            assert_eq!(charset.decode(bytes), text, "{charset:?}");
        }
    }
}
