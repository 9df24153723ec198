//! Names (XML 1.0 section 2.3, Namespaces in XML 1.0 section 4).

use crate::chars::split_once;
use crate::error::ErrorKind;

/// Splits a qualified name into its prefix (empty if it has none) and its local part (Namespaces in
/// XML 1.0, productions 7 to 11). The prefix is not checked here: its declaration has
/// been, and an undeclared prefix is an error anyway.
pub(crate) fn qualified_name(name: &str) -> Result<(&str, &str), ErrorKind> {
    let (prefix, local) = split_once(name, b':')
        // A colon at the start makes the whole name illegal.
        .filter(|(prefix, _)| !prefix.is_empty())
        .unwrap_or(("", name));
    check_name(local)?;
    Ok((prefix, local))
}

/// Checks that `name` is a name without a colon (Namespaces in XML 1.0, production 4).
pub(crate) fn check_name(name: &str) -> Result<(), ErrorKind> {
    let mut chars = name.chars();
    if is_ascii_name(name.as_bytes())
        || (chars.next().is_some_and(is_name_start) && chars.all(is_name_char))
    {
        Ok(())
    } else {
        Err(ErrorKind::Name)
    }
}

/// Whether this is a name of ASCII characters only, as most names are. Faster than decoding them.
fn is_ascii_name(name: &[u8]) -> bool {
    let is_name_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    name.first()
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && name.iter().all(is_name_byte)
}

/// Whether a name may start with this character (XML 1.0 production 4, without the colon).
fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// Whether a name may contain this character (XML 1.0 production 4a, without the colon).
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || is_name_start(c)
        || matches!(c, '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
