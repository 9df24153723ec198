//! References (XML 1.0 sections 4.1 and 4.6).

use crate::chars::is_legal;
use crate::error::ErrorKind;

/// The character that the reference `&name;` denotes.
pub(crate) fn resolve(name: &str) -> Result<char, ErrorKind> {
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => character(name),
    }
}

fn character(name: &str) -> Result<char, ErrorKind> {
    let number = name.strip_prefix('#').ok_or(ErrorKind::Reference)?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // from_str_radix also accepts a sign.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(ErrorKind::Reference);
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| ErrorKind::Reference)?;
    char::from_u32(code)
        .filter(|&c| is_legal(c))
        .ok_or(ErrorKind::Character)
}
