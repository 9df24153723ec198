//! Escaping like the .NET Framework's `XmlTextWriter`, which both legacy servers used.

use crate::chars::is_legal;

/// Appends `text` to `out` as character data.
///
/// `&`, `<` and `>` become entities. Characters that no XML document may contain become U+FFFD; the
/// legacy servers wrote references like `&#x1;`, which no parser accepts either.
pub fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |_| None);
}

/// Appends `text` to `out` as the value of an attribute between double quotes.
pub fn escape_attribute(text: &str, out: &mut String) {
    escape(text, out, |c| (c == '"').then_some("&quot;"));
}

fn escape(text: &str, out: &mut String, also: impl Fn(char) -> Option<&'static str>) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if !is_legal(c) => out.push(char::REPLACEMENT_CHARACTER),
            c => match also(c) {
                Some(entity) => out.push_str(entity),
                None => out.push(c),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> String {
        let mut out = String::new();
        escape_text(raw, &mut out);
        out
    }

    #[test]
    fn text_escapes_only_what_the_legacy_writer_did() {
        assert_eq!(text("a<b>&c]]>"), "a&lt;b&gt;&amp;c]]&gt;");
        assert_eq!(
            text("\"'\t\r\n\u{85}\u{a0}\u{2028}é😀"),
            "\"'\t\r\n\u{85}\u{a0}\u{2028}é😀"
        );
    }

    #[test]
    fn characters_that_xml_does_not_allow_are_replaced() {
        assert_eq!(
            text("\u{0}\u{1}\u{1f}\u{fffe}\u{ffff}\u{7f}\u{fffd}"),
            "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{7f}\u{fffd}"
        );
    }

    #[test]
    fn attributes_escape_the_quote_too() {
        let mut out = String::new();
        escape_attribute("a\"<", &mut out);
        assert_eq!(out, "a&quot;&lt;");
    }
}
