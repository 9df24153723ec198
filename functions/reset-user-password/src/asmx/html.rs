//! HTML encoding of the .NET Framework.

/// Encodes markup, quotes, and U+00A0 to U+00FF, like `HttpUtility.HtmlEncode` of the .NET
/// Framework 4.
pub(super) fn html_encode(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            '\u{A0}'..='\u{FF}' => format!("&#{};", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_quotes_and_latin1_are_encoded() {
        assert_eq!(
            html_encode("a&<>\"'\u{9f}\u{a0}é\u{ff}\u{100}😀"),
            "a&amp;&lt;&gt;&quot;&#39;\u{9f}&#160;&#233;&#255;\u{100}😀"
        );
    }
}
