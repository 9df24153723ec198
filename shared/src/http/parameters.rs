//! Decoding of `application/x-www-form-urlencoded` as in .NET's `System.Web.HttpValueCollection`,
//! which both legacy hosts used for queries and forms. It differs from the URL Standard: `%uXXXX`
//! is a UTF-16 code unit, a part without `=` is a value without a name, and several values of one
//! name are joined by commas.

use std::borrow::Cow;

/// The maximum number of parameters in a query or a form: ASP.NET's `aspnet:MaxHttpCollectionKeys`.
pub const MAX_PARAMETERS: usize = 1_000;

/// The parameters of a query or a form, in the order received.
#[derive(Debug, Clone, Default)]
pub struct Parameters(Vec<(Option<String>, String)>);

impl Parameters {
    /// Splits at `&` and decodes names and values, using `charset` to turn bytes into text. Reads
    /// at most one parameter more than [`MAX_PARAMETERS`].
    pub fn decode<E>(
        encoded: &[u8],
        charset: impl Fn(&[u8]) -> Result<Cow<'_, str>, E>,
    ) -> Result<Self, E> {
        if encoded.is_empty() {
            return Ok(Self::default());
        }
        let parameter = |part: &[u8]| match part.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                let (name, value) = part.split_at(at);
                let name = url_decode(name, &charset)?.into_owned();
                let value = url_decode(value.get(1..).unwrap_or_default(), &charset)?;
                Ok((Some(name), value.into_owned()))
            }
            None => Ok((None, url_decode(part, &charset)?.into_owned())),
        };
        encoded
            .split(|&byte| byte == b'&')
            .take(MAX_PARAMETERS + 1)
            .map(parameter)
            .collect()
    }

    /// Whether there are more than [`MAX_PARAMETERS`].
    #[must_use]
    pub fn exceed_limit(&self) -> bool {
        self.0.len() > MAX_PARAMETERS
    }

    /// The value with this name, ignoring ASCII case. Several values are joined by commas.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.joined(|n| n.is_some_and(|n| n.eq_ignore_ascii_case(name)))
    }

    /// The value without a name. Several values are joined by commas.
    #[must_use]
    pub fn nameless(&self) -> Option<String> {
        self.joined(|name| name.is_none())
    }

    fn joined(&self, is_meant: impl Fn(Option<&str>) -> bool) -> Option<String> {
        self.0
            .iter()
            .filter(|(name, _)| is_meant(name.as_deref()))
            .map(|(_, value)| value.clone())
            .reduce(|joined, value| joined + "," + &value)
    }
}

impl FromIterator<(Option<String>, String)> for Parameters {
    fn from_iter<T: IntoIterator<Item = (Option<String>, String)>>(parameters: T) -> Self {
        Self(parameters.into_iter().collect())
    }
}

/// Decodes `+`, `%XX` and `%uXXXX` in one name or value, like `HttpUtility.UrlDecode`. A malformed
/// escape is kept; a lone surrogate becomes U+FFFD.
pub fn url_decode<E>(
    encoded: &[u8],
    charset: impl Fn(&[u8]) -> Result<Cow<'_, str>, E>,
) -> Result<Cow<'_, str>, E> {
    if !encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return charset(encoded);
    }
    let mut units: Vec<u16> = Vec::with_capacity(encoded.len());
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        rest = after;
        match (*first, after) {
            (b'%', [b'u', a, b, c, d, after @ ..]) if let Some(unit) = hex(&[*a, *b, *c, *d]) => {
                units.extend(charset(&bytes)?.encode_utf16());
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
    units.extend(charset(&bytes)?.encode_utf16());
    Ok(String::from_utf16_lossy(&units).into())
}

fn hex(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(value << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::str::Utf8Error;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the shape of a charset")]
    fn lossy(bytes: &[u8]) -> Result<Cow<'_, str>, Infallible> {
        Ok(String::from_utf8_lossy(bytes))
    }

    fn strict(bytes: &[u8]) -> Result<Cow<'_, str>, Utf8Error> {
        std::str::from_utf8(bytes).map(Cow::Borrowed)
    }

    fn parameters(encoded: &str) -> Parameters {
        let Ok(parameters) = Parameters::decode(encoded.as_bytes(), lossy);
        parameters
    }

    #[test]
    fn escapes() {
        for (escaped, expected) in [
            ("a+b%20c%2Bd", "a b c+d"),
            ("%C3%A9%u00e9", "éé"),
            ("%uD83D%uDE00", "😀"),
            ("%uD83D", "\u{fffd}"),
            ("%E9", "\u{fffd}"),
            ("%zz%4%u12%", "%zz%4%u12%"),
            ("a=b;c", "a=b;c"),
            ("é", "é"),
        ] {
            let value = parameters(&format!("username={escaped}")).value("username");
            assert_eq!(value.as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_charset_decides_what_escaped_bytes_are() {
        assert!(Parameters::decode(b"a=%C3%A9%u00e9", strict).is_ok());
        for wrong in [&b"a=%E9"[..], b"a=\xe9", b"%E9=a", b"%E9", b"a=%E9%u00e9"] {
            assert!(Parameters::decode(wrong, strict).is_err(), "{wrong:?}");
        }
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
            let value = parameters(encoded).value("username");
            assert_eq!(value.as_deref(), expected, "{encoded}");
        }
        for (encoded, expected) in [
            ("wsdl", Some("wsdl")),
            ("a=1&wsdl&disco", Some("wsdl,disco")),
            ("wsdl&", Some("wsdl,")),
            ("wsdl=", None),
            ("", None),
        ] {
            let value = parameters(encoded).nameless();
            assert_eq!(value.as_deref(), expected, "{encoded}");
        }
    }

    #[test]
    fn one_parameter_over_the_limit_is_noticed() {
        let parts = |number: usize| "&".repeat(number - 1);
        assert!(!parameters(&parts(MAX_PARAMETERS)).exceed_limit());
        for number in [MAX_PARAMETERS + 1, 100 * MAX_PARAMETERS] {
            let parameters = parameters(&parts(number));
            assert!(parameters.exceed_limit());
            assert_eq!(parameters.0.len(), MAX_PARAMETERS + 1);
        }
    }
}
