//! Characters of XML 1.0.

use std::borrow::Cow;

use crate::error::ErrorKind;

/// Whether this is white space (production 3).
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether a document may contain this character (production 2).
#[must_use]
pub fn is_legal(c: char) -> bool {
    (c >= ' ' || is_space(c)) && !matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

/// Returns `text` if all its characters are legal.
pub(crate) fn check_legal(text: &str) -> Result<&str, ErrorKind> {
    if text.chars().all(is_legal) {
        Ok(text)
    } else {
        Err(ErrorKind::Character)
    }
}

/// Whether this byte needs neither checks nor normalisation in text. Most text consists only of
/// such bytes.
pub(crate) fn is_plain_in_text(byte: u8) -> bool {
    // `<` and `&` end a text; `>` may end a `]]>`.
    matches!(byte, b'\t' | b'\n' | b' '..=b'=' | b'?'..=b'~')
}

/// Whether this byte needs neither checks nor normalisation in an attribute value.
pub(crate) fn is_plain_in_value(byte: u8) -> bool {
    matches!(byte, b' '..=b'%' | b'\''..=b';' | b'='..=b'~')
}

/// Turns CRLF and lone CR into LF (section 2.11).
pub(crate) fn normalise_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Splits like `str::split_once`, which is slower on short texts.
pub(crate) fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|b| b == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}
