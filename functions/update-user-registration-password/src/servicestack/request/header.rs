//! Parsing of header fields with parameters, for example `form-data; name="Email"` (RFC 9110
//! section 5.6.6).

/// The value before the parameters.
pub(super) fn value(field: &str) -> &str {
    field.split(';').next().unwrap_or_default().trim()
}

/// The first parameter with this name, ignoring case, without its quotation marks.
pub(super) fn parameter<'a>(field: &'a str, name: &str) -> Option<&'a str> {
    let mut in_quotes = false;
    let pieces = field.split(move |c| {
        in_quotes ^= c == '"';
        c == ';' && !in_quotes
    });
    pieces.skip(1).find_map(|piece| {
        let (n, value) = piece.split_once('=')?;
        n.trim()
            .eq_ignore_ascii_case(name)
            .then(|| unquoted(value.trim()))
    })
}

fn unquoted(value: &str) -> &str {
    let inside = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    inside.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        for (field, expected) in [
            ("form-data; name=\"Email\"", Some("Email")),
            ("form-data;name=Email ; x=y", Some("Email")),
            ("form-data; NAME = \"a;b\"; name=c", Some("a;b")),
            ("form-data; x=\"; name=Email\"", None),
            ("name=Email", None),
            ("form-data; name", None),
            ("form-data; name=", Some("")),
        ] {
            assert_eq!(parameter(field, "name"), expected, "{field}");
        }
        assert_eq!(value(" form-data ; name=x"), "form-data");
    }
}
