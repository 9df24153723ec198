//! Paths of URLs.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes the percent-encoding of a path once (RFC 3986 section 2.1). An incomplete escape is
/// kept; bytes that are not UTF-8 become U+FFFD.
#[must_use]
pub fn decode_path(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        for (path, decoded) in [
            ("/a", "/a"),
            ("/%61%2Fb", "/a/b"),
            ("/%2561", "/%61"),
            ("/%zz%4", "/%zz%4"),
            ("/%C3%A9", "/é"),
            ("/%E9", "/\u{fffd}"),
            ("/a+b", "/a+b"),
        ] {
            assert_eq!(decode_path(path), decoded);
        }
    }
}
