//! `application/x-www-form-urlencoded` as `System.Web.HttpValueCollection` reads it: `%uXXXX` is a
//! UTF-16 code unit, a wrong escape stays as it is, a part without `=` is a value without a name,
//! and `;` separates nothing.

use std::borrow::Cow;

use xml::Charset;

use super::MAX_PARAMETERS;

/// A name, unless the part had no `=`, and a value.
pub(super) type Pair = (Option<String>, String);

/// The parts of a query or a form body, at most one more than allowed. Bytes are in `charset`, UTF-8
/// when there is none.
pub(super) fn decode(encoded: &[u8], charset: Option<&str>) -> Vec<Pair> {
    if encoded.is_empty() {
        return Vec::new();
    }
    let charset = charset.and_then(Charset::named).unwrap_or(Charset::UTF_8);
    let unescape = |part| unescape(part, charset).into_owned();
    encoded
        .split(|&byte| byte == b'&')
        .map(|part| match part.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                let (name, value) = part.split_at(at);
                (
                    Some(unescape(name)),
                    unescape(value.get(1..).unwrap_or_default()),
                )
            }
            None => (None, unescape(part)),
        })
        .take(MAX_PARAMETERS + 1)
        .collect()
}

/// The value of a name in any case; several are joined by commas.
pub(super) fn value(pairs: &[Pair], name: &str) -> Option<String> {
    joined(pairs, |n| n.is_some_and(|n| n.eq_ignore_ascii_case(name)))
}

/// The value without a name; several are joined too.
pub(super) fn nameless(pairs: &[Pair]) -> Option<String> {
    joined(pairs, |name| name.is_none())
}

fn joined(pairs: &[Pair], is_meant: impl Fn(Option<&str>) -> bool) -> Option<String> {
    let values = pairs.iter().filter(|(name, _)| is_meant(name.as_deref()));
    values
        .map(|(_, value)| value.clone())
        .reduce(|joined, value| joined + "," + &value)
}

/// Undoes the escapes of one name or value.
pub(super) fn unescape(escaped: &[u8], charset: Charset) -> Cow<'_, str> {
    if !escaped.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return charset.decode(escaped);
    }
    let mut units: Vec<u16> = Vec::with_capacity(escaped.len());
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = escaped;
    while let [first, after @ ..] = rest {
        rest = after;
        match (*first, after) {
            (b'%', [b'u', a, b, c, d, after @ ..]) if let Some(unit) = hex(&[*a, *b, *c, *d]) => {
                units.extend(charset.decode(&bytes).encode_utf16());
                bytes.clear();
                units.push(unit);
                rest = after;
            }
            (b'%', [a, b, after @ ..]) if let Some(byte) = hex(&[*a, *b]) => {
                // Two hexadecimal digits are at most 0xFF.
                bytes.extend(u8::try_from(byte));
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    units.extend(charset.decode(&bytes).encode_utf16());
    String::from_utf16_lossy(&units).into()
}

fn hex(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(value << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn username(encoded: &str) -> Option<String> {
        value(&decode(encoded.as_bytes(), None), "username")
    }

    #[test]
    fn escapes() {
        for (escaped, expected) in [
            ("a+b%20c%2Bd", "a b c+d"),
            ("%C3%A9%u00e9", "éé"),
            ("%uD83D%uDE00", "😀"),
            ("%E9", "\u{fffd}"),
            ("%zz%4%u12%", "%zz%4%u12%"),
            ("a=b;c", "a=b;c"),
            ("é", "é"),
        ] {
            assert_eq!(
                username(&format!("username={escaped}")).as_deref(),
                Some(expected)
            );
        }
        let latin1 = decode(b"username=%E9", Some("iso-8859-1"));
        assert_eq!(value(&latin1, "username").as_deref(), Some("é"));
    }

    #[test]
    fn names() {
        for (encoded, expected) in [
            ("username=a&username=b", Some("a,b")),
            ("USERNAME=a&", Some("a")),
            ("&x=1&%75sername=a", Some("a")),
            ("username=", Some("")),
            ("username", None),
            ("", None),
            ("&amp;username=a", None),
        ] {
            assert_eq!(username(encoded).as_deref(), expected, "{encoded}");
        }
    }
}
