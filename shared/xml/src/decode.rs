//! Decoding the bytes of an XML document: by byte order mark, else by the transport's charset, else
//! by the XML declaration (RFC 7303 section 3, as the .NET Framework does it).

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::charset::Charset;

/// The treatment of ill-formed bytes in a document without a known charset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Ill-formed bytes are an error.
    Strict,
    /// Ill-formed bytes become U+FFFD, but are an error in UTF-16 without a byte order mark.
    Lossy,
}

/// The reason bytes cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The declaration names UTF-16, but the bytes are not UTF-16.
    #[error("the XML declaration names UTF-16, but there is no byte order mark")]
    NotUtf16,
    /// The declaration names an encoding that is unknown or not accepted.
    #[error("unknown encoding {0:?}")]
    UnknownEncoding(String),
    /// The bytes are ill-formed in their encoding.
    #[error("invalid byte sequence")]
    InvalidBytes,
}

/// Decodes a document by its byte order mark, else by `charset`, else by its declaration, else as
/// UTF-8. An unknown `charset` counts as none. The result has no byte order mark.
///
/// With a known `charset`, ill-formed bytes become U+FFFD (`?` for US-ASCII) and are never an
/// error.
pub fn decode<'a>(
    bytes: &'a [u8],
    charset: Option<&str>,
    fallback: Fallback,
) -> Result<Cow<'a, str>, DecodeError> {
    let named = charset.and_then(Charset::for_label);
    if let Some((encoding, text)) = after_byte_order_mark(bytes) {
        return match (named, fallback) {
            (None, Fallback::Strict) => strict(encoding, text),
            _ => Ok(encoding.decode_without_bom_handling(text).0),
        };
    }
    if let Some(charset) = named {
        return Ok(charset.decode(bytes));
    }
    match without_byte_order_mark(bytes)? {
        Charset::Standard(encoding) if fallback == Fallback::Strict || is_utf16(encoding) => {
            strict(encoding, bytes)
        }
        charset => Ok(charset.decode(bytes)),
    }
}

/// Decodes a document in UTF-8 or UTF-16, the only encodings of .NET's `DataContractSerializer`, by
/// its byte order mark, else by its declaration. Ill-formed bytes are an error. The result has no
/// byte order mark.
///
/// Unlike [`decode`], it does not link the tables of the other encodings, which are a twentieth of
/// a zipped binary.
pub fn decode_unicode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let (encoding, text) = match after_byte_order_mark(bytes) {
        Some(found) => found,
        None => match without_byte_order_mark(bytes)? {
            Charset::Standard(encoding) => (encoding, bytes),
            other => return Err(DecodeError::UnknownEncoding(format!("{other:?}"))),
        },
    };
    let text = if encoding == UTF_8 {
        std::str::from_utf8(text).ok().map(Cow::Borrowed)
    } else if encoding == UTF_16LE {
        from_utf16(text, u16::from_le_bytes).map(Cow::Owned)
    } else if encoding == UTF_16BE {
        from_utf16(text, u16::from_be_bytes).map(Cow::Owned)
    } else {
        return Err(DecodeError::UnknownEncoding(encoding.name().to_owned()));
    };
    text.ok_or(DecodeError::InvalidBytes)
}

fn from_utf16(bytes: &[u8], from_bytes: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks();
    let units = pairs.iter().map(|&pair| from_bytes(pair));
    let text = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    rest.is_empty().then_some(text)
}

/// The encoding that the byte order mark indicates, if there is one, and the bytes after the mark.
fn after_byte_order_mark(bytes: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    let (encoding, length) = Encoding::for_bom(bytes)?;
    Some((encoding, bytes.get(length..)?))
}

/// Determines the charset from the first bytes or from the declaration.
fn without_byte_order_mark(bytes: &[u8]) -> Result<Charset, DecodeError> {
    let declared = match declared_encoding(bytes) {
        Some(name) => Charset::for_label(&name).ok_or(DecodeError::UnknownEncoding(name))?,
        None => Charset::UTF_8,
    };
    match (utf16_without_bom(bytes), declared) {
        (Some(encoding), _) => Ok(Charset::Standard(encoding)),
        (None, Charset::Standard(encoding)) if is_utf16(encoding) => Err(DecodeError::NotUtf16),
        (None, declared) => Ok(declared),
    }
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

fn strict<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Result<Cow<'a, str>, DecodeError> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or(DecodeError::InvalidBytes)
}

/// Detects UTF-16 by a `<` with a zero byte after or before it (XML 1.0 appendix F).
fn utf16_without_bom(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// The encoding that the XML declaration names, if there is one.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"<?xml")?;
    let end = rest.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(rest.get(..end)?).ok()?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, _) = value.get(1..)?.split_once(quote)?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn byte_order_mark_wins() {
        let le = [b"\xff\xfe".to_vec(), utf16("<é/>", u16::to_le_bytes)].concat();
        let be = [b"\xfe\xff".to_vec(), utf16("<é/>", u16::to_be_bytes)].concat();
        for charset in [None, Some("utf-8"), Some("utf-16")] {
            assert_eq!(decode(&le, charset, Fallback::Strict).unwrap(), "<é/>");
            assert_eq!(decode(&be, charset, Fallback::Strict).unwrap(), "<é/>");
        }
        assert_eq!(
            decode(
                "\u{feff}<é/>".as_bytes(),
                Some("us-ascii"),
                Fallback::Strict
            )
            .unwrap(),
            "<é/>"
        );
    }

    #[test]
    fn charset_wins_over_the_declaration() {
        let body = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><é/>".as_bytes();
        assert!(
            decode(body, Some("utf-8"), Fallback::Strict)
                .unwrap()
                .ends_with("<é/>")
        );
        assert_eq!(
            decode(b"\xe9", Some("ISO-8859-1"), Fallback::Strict).unwrap(),
            "é"
        );
        assert_eq!(
            decode(b"\x80", Some("latin1"), Fallback::Strict).unwrap(),
            "\u{80}"
        );
        assert_eq!(
            decode(b"\xe9", Some("us-ascii"), Fallback::Strict).unwrap(),
            "?"
        );
        assert_eq!(
            decode(b"\xe9", Some("utf-8"), Fallback::Strict).unwrap(),
            "\u{fffd}"
        );
        let le = utf16("<a/>", u16::to_le_bytes);
        assert_eq!(
            decode(&le, Some("utf-16"), Fallback::Strict).unwrap(),
            "<a/>"
        );
    }

    #[test]
    fn without_charset_the_declaration_decides() {
        let latin1 = b"<?xml version='1.0' encoding='iso-8859-1'?><\xe9/>";
        assert!(
            decode(latin1, None, Fallback::Strict)
                .unwrap()
                .ends_with("<é/>")
        );
        assert!(
            decode(latin1, Some("x-unknown"), Fallback::Strict)
                .unwrap()
                .ends_with("<é/>")
        );
        let le = utf16("<a/>", u16::to_le_bytes);
        assert_eq!(decode(&le, None, Fallback::Strict).unwrap(), "<a/>");
    }

    #[test]
    fn without_charset_wrong_bytes_are_an_error_only_when_strict() {
        assert_eq!(
            decode(b"\xe9", None, Fallback::Strict),
            Err(DecodeError::InvalidBytes)
        );
        assert_eq!(decode(b"\xe9", None, Fallback::Lossy).unwrap(), "\u{fffd}");
        assert_eq!(
            decode(
                b"<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>",
                None,
                Fallback::Lossy
            ),
            Err(DecodeError::NotUtf16)
        );
        assert_eq!(
            decode(
                b"<?xml version=\"1.0\" encoding=\"x-no\"?><a/>",
                None,
                Fallback::Lossy
            ),
            Err(DecodeError::UnknownEncoding("x-no".to_owned()))
        );
    }

    #[test]
    fn data_contracts_are_in_utf8_or_utf16() {
        let le = utf16("<é😀/>", u16::to_le_bytes);
        let be = utf16("<é😀/>", u16::to_be_bytes);
        let declared = |name| format!("<?xml version='1.0' encoding='{name}'?><é😀/>");
        for bytes in [
            "<é😀/>".as_bytes(),
            "\u{feff}<é😀/>".as_bytes(),
            &[b"\xff\xfe", &*le].concat(),
            &[b"\xfe\xff", &*be].concat(),
            &le,
            &be,
            declared("UTF-8").as_bytes(),
            &utf16(&declared("utf-16"), u16::to_le_bytes),
        ] {
            let text = decode_unicode(bytes).unwrap();
            assert!(text.ends_with("<é😀/>"), "{text}");
            assert!(!text.starts_with('\u{feff}'));
        }
    }

    #[test]
    fn other_encodings_of_data_contracts_are_refused() {
        let declared = |name| format!("<?xml version='1.0' encoding='{name}'?><a/>").into_bytes();
        let unknown = |name: &str| DecodeError::UnknownEncoding(name.to_owned());
        let lone_surrogate = [b"<\0".to_vec(), 0xd800_u16.to_le_bytes().to_vec()].concat();
        for (bytes, error) in [
            (declared("utf-16"), DecodeError::NotUtf16),
            (declared("x-no"), unknown("x-no")),
            (declared("windows-1252"), unknown("windows-1252")),
            (declared("big5"), unknown("Big5")),
            (declared("iso-8859-1"), unknown("Latin1")),
            (declared("us-ascii"), unknown("Ascii")),
            (b"<\xe9/>".to_vec(), DecodeError::InvalidBytes),
            (b"<\0a\0/".to_vec(), DecodeError::InvalidBytes),
            (lone_surrogate, DecodeError::InvalidBytes),
        ] {
            assert_eq!(decode_unicode(&bytes), Err(error));
        }
    }

    /// The charset of the transport decides whether ill-formed bytes are an error, except in UTF-16
    /// without a byte order mark.
    #[test]
    fn ill_formed_bytes() {
        let odd_utf16 = b"<\0a\0/";
        let marked = b"\xef\xbb\xbf\xe9";
        let declared = b"<?xml version='1.0' encoding='utf-8'?>\xe9";
        for (bytes, charset, fallback, expected) in [
            (&marked[..], None, Fallback::Strict, None),
            (marked, Some("x-unknown"), Fallback::Strict, None),
            (marked, None, Fallback::Lossy, Some("\u{fffd}")),
            (marked, Some("utf-8"), Fallback::Strict, Some("\u{fffd}")),
            (marked, Some("us-ascii"), Fallback::Lossy, Some("\u{fffd}")),
            (odd_utf16, None, Fallback::Strict, None),
            (odd_utf16, None, Fallback::Lossy, None),
            (
                odd_utf16,
                Some("utf-16"),
                Fallback::Strict,
                Some("<a\u{fffd}"),
            ),
            (declared, None, Fallback::Strict, None),
            (
                declared,
                None,
                Fallback::Lossy,
                Some("<?xml version='1.0' encoding='utf-8'?>\u{fffd}"),
            ),
            (b"\xe9", Some(""), Fallback::Strict, None),
        ] {
            let expected = expected.map(str::to_owned).ok_or(DecodeError::InvalidBytes);
            let decoded = decode(bytes, charset, fallback).map(Cow::into_owned);
            assert_eq!(decoded, expected, "{bytes:?} {charset:?} {fallback:?}");
        }
    }

    #[test]
    fn the_declaration_is_found_with_spaces_and_either_quote() {
        for declaration in [
            "<?xml version='1.0' encoding='iso-8859-1'?>",
            "<?xml version=\"1.0\" encoding = \"iso-8859-1\"?>",
            "<?xml version='1.0' encoding\n=\t' ISO_8859-1 '?>",
        ] {
            let bytes = [declaration.as_bytes(), b"<\xe9/>"].concat();
            let text = decode(&bytes, None, Fallback::Strict).unwrap();
            assert!(text.ends_with("<é/>"), "{declaration}");
        }
        // Not at the start, without an end, a value or a closing quote: UTF-8.
        for bytes in [
            &b" <?xml encoding='iso-8859-1'?>\xe9"[..],
            b"<?xml encoding='iso-8859-1'>\xe9",
            b"<?xml encoding iso-8859-1?>\xe9",
            b"<?xml encoding=iso-8859-1?>\xe9",
            b"<?xml encoding='iso-8859-1\"?>\xe9",
        ] {
            let error = decode(bytes, None, Fallback::Strict).unwrap_err();
            assert_eq!(error, DecodeError::InvalidBytes, "{bytes:?}");
        }
    }

    #[test]
    fn a_charset_may_be_us_ascii_though_the_bytes_are_utf_8() {
        let decoded = decode("é".as_bytes(), Some("us-ascii"), Fallback::Strict);
        assert_eq!(decoded.unwrap(), "??");
        let declared = "<?xml version='1.0' encoding='us-ascii'?>é".as_bytes();
        let decoded = decode(declared, None, Fallback::Strict).unwrap();
        assert!(decoded.ends_with("?>??"), "{decoded}");
    }
}
