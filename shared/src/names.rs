//! The normal form of names and the ASCII form of domains.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Normalises a name: trims it, applies Unicode normalisation form NFKC, and converts it to lower
/// case, so that names that differ only in width, case or outer white space are the same (in the
/// spirit of RFC 8265 section 3.3).
///
/// The steps are repeated until none changes the name, since a lower case letter may compose with a
/// mark that its upper case letter does not compose with (`J` and U+030C).
pub(crate) fn normalise(name: &str) -> String {
    if name.is_ascii() {
        // ASCII, as most names are, is already in NFKC.
        return name.trim().to_ascii_lowercase();
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let mut name = name.to_owned();
    loop {
        let lower = nfkc.normalize(name.trim()).to_lowercase();
        let next = lower.trim();
        if next == name {
            return name;
        }
        next.clone_into(&mut name);
    }
}

/// Converts a domain to ASCII: normalises it and encodes each label that is not ASCII in Punycode
/// (RFC 3492). The ideographic full stop separates labels (UTS 46).
///
/// `None` if a label is too long to encode, or if the result has characters other than letters,
/// digits, hyphens and full stops (RFC 5890 section 2.3.1). For example, U+FF0C normalises to a
/// comma, which would turn one recipient into two.
pub(crate) fn ascii_domain(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_owned());
    }
    let domain = normalise(domain).replace('\u{3002}', ".");
    let labels: Vec<_> = domain.split('.').map(ascii_label).collect::<Option<_>>()?;
    let ascii = labels.join(".");
    let is_ldh = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    ascii.chars().all(is_ldh).then_some(ascii)
}

fn ascii_label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    idna::punycode::encode_str(label).map(|encoded| format!("xn--{encoded}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use icu_normalizer::DecomposingNormalizerBorrowed;

    use super::*;

    /// All characters of the planes with assigned characters, except those for private use.
    fn characters() -> impl Iterator<Item = char> {
        ('\u{0}'..='\u{323af}').chain('\u{e0000}'..='\u{e01ef}')
    }

    fn assert_idempotent(name: &str) {
        let key = normalise(name);
        let again = normalise(&key);
        assert_eq!(again, key, "{}", name.escape_unicode());
    }

    /// Marks that are reordered next to a mark of another class.
    fn marks() -> Vec<char> {
        let nfd = DecomposingNormalizerBorrowed::new_nfd();
        let moves = |text: &str| nfd.normalize(text) != text;
        let is_mark = |c: &char| {
            !moves(&c.to_string())
                && (moves(&format!("{c}\u{334}")) || moves(&format!("\u{345}{c}")))
        };
        characters().filter(is_mark).collect()
    }

    /// Marks that compose with another character.
    fn composing_marks() -> BTreeSet<char> {
        let nfd = DecomposingNormalizerBorrowed::new_nfd();
        let last = characters().filter_map(|c| {
            let decomposed = nfd.normalize(c.encode_utf8(&mut [0; 4])).into_owned();
            decomposed.chars().skip(1).last()
        });
        last.filter(|c| !('\u{1100}'..='\u{11ff}').contains(c))
            .collect()
    }

    #[test]
    fn normalising_is_idempotent() {
        let composing = composing_marks();
        assert!(composing.len() > 50, "{}", composing.len());
        for c in characters() {
            assert_idempotent(c.encode_utf8(&mut [0; 4]));
            if c.is_uppercase() || c.to_lowercase().next() != Some(c) {
                for mark in &composing {
                    assert_idempotent(&format!("{c}{mark}"));
                }
            }
        }
    }

    #[test]
    fn pairs_of_marks_normalise_idempotently() {
        let marks = marks();
        assert!(marks.len() > 800, "{}", marks.len());
        for one in composing_marks() {
            for other in &marks {
                for base in ["J", "\u{3a9}"] {
                    assert_idempotent(&format!("{base}{one}{other}"));
                    assert_idempotent(&format!("{base}{other}{one}"));
                }
            }
        }
    }

    #[test]
    fn spellings_that_need_several_rounds_are_equal() {
        for (name, key) in [
            ("J\u{30c}ane", "\u{1f0}ane"),
            ("\u{1f0}ane", "\u{1f0}ane"),
            // White space that only the normal form contains.
            ("\u{b4}", "\u{301}"),
            ("\u{3a3}\u{3a3}", "\u{3c3}\u{3c2}"),
        ] {
            assert_eq!(normalise(name), key, "{}", name.escape_unicode());
        }
    }

    #[test]
    fn domains() {
        for (domain, ascii) in [
            ("example.com", "example.com"),
            ("Example.COM", "Example.COM"),
            ("exämple.de", "xn--exmple-cua.de"),
            ("EXÄMPLE.de", "xn--exmple-cua.de"),
            ("exa\u{308}mple.de", "xn--exmple-cua.de"),
            ("straße.de", "xn--strae-oqa.de"),
            ("例え\u{3002}テスト", "xn--r8jz45g.xn--zckzah"),
            ("हिन्दी.भारत", "xn--j2bd4cyah0f.xn--h2brj9c"),
        ] {
            assert_eq!(ascii_domain(domain).as_deref(), Some(ascii), "{domain}");
        }
        for domain in [
            "x\u{ff0c}y.de",
            "x\u{ff20}ä.de",
            "\u{ff1c}ä.de",
            "\u{2100}.de",
        ] {
            assert_eq!(ascii_domain(domain), None, "{domain}");
        }
    }
}
