//! Untrusted text inside trusted text.

use std::borrow::Cow;

/// Makes text safe to show within a line: it can neither end the line nor reverse the text around
/// it. Line breaks and other control characters become spaces, and the characters that override the
/// direction of text (Unicode Standard Annex 9) are removed. Names in right-to-left scripts do not
/// need them.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let is_plain = |byte| matches!(byte, b' '..=b'~');
    // Most text is ASCII, which is faster to check by bytes.
    if text.bytes().all(is_plain) || !text.contains(|c| breaks_lines(c) || overrides_direction(c)) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .filter(|&c| !overrides_direction(c))
        .map(|c| if breaks_lines(c) { ' ' } else { c })
        .collect()
}

/// Control characters and Unicode's line and paragraph separators.
fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Embeddings, overrides, isolates, and the characters that end them.
pub(crate) fn overrides_direction(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_or_reverse_the_line() {
        for breaking in [
            "\r\n", "\n", "\r", "\u{0}", "\t", "\u{1b}", "\u{7f}", "\u{85}", "\u{2028}", "\u{2029}",
        ] {
            let line = one_line(&format!("a{breaking}b")).into_owned();
            assert_eq!(line.replace(' ', ""), "ab", "{breaking:?}");
            assert!(line.contains(' '), "{breaking:?}");
        }
        for turning in ('\u{202A}'..='\u{202E}').chain('\u{2066}'..='\u{2069}') {
            assert_eq!(one_line(&format!("a{turning}b")), "ab", "{turning:?}");
        }
    }

    #[test]
    fn names_are_unchanged() {
        for name in ["", "Zoë O'Neil", "עברית", "محمد\u{200F}", "क्‍ष", "👩‍🔧"]
        {
            assert!(matches!(one_line(name), Cow::Borrowed(same) if same == name));
        }
    }
}
