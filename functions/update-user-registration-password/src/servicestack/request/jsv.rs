//! Decoding of JSV bodies. JSV is ServiceStack's JSON-like format, in which strings are quoted as
//! in CSV, and only if needed.

use super::body::{self, Unreadable, boolean};
use super::members::RequestDto;

/// Reads a request DTO: `{Name:value,Name:"a ""quoted"", value"}`. White space is part of values,
/// and names cannot be quoted.
pub(super) fn read<D: RequestDto>(body: &[u8]) -> Result<D, Unreadable> {
    let inside = body::text(body)?
        .trim()
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    let mut rest = inside.ok_or(Unreadable)?;
    let mut dto = D::default();
    while !rest.is_empty() {
        let (name, after) = rest.split_once(':').ok_or(Unreadable)?;
        let end = value_length(after)?;
        let (value, after) = after.split_at_checked(end).ok_or(Unreadable)?;
        if let Some(member) = D::member(name) {
            member.set(&mut dto, unquoted(value)?, boolean)?;
        }
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Ok(dto)
}

/// The length of the value at the start of `text`, which ends at the next comma outside quotation
/// marks and brackets, or at the end of `text`.
fn value_length(text: &str) -> Result<usize, Unreadable> {
    let (mut in_quotes, mut depth) = (false, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '"' => in_quotes = !in_quotes,
            _ if in_quotes => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1).ok_or(Unreadable)?,
            ',' if depth == 0 => return Ok(at),
            _ => {}
        }
    }
    if in_quotes || depth > 0 {
        Err(Unreadable)
    } else {
        Ok(text.len())
    }
}

fn unquoted(value: &str) -> Result<Option<String>, Unreadable> {
    match value.strip_prefix('"') {
        Some(quoted) => {
            let inside = quoted.strip_suffix('"').ok_or(Unreadable)?;
            Ok(Some(inside.replace("\"\"", "\"")))
        }
        None => Ok((!value.is_empty()).then(|| value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Input;

    fn email(jsv: &str) -> Result<Option<String>, Unreadable> {
        read::<Input>(jsv.as_bytes()).map(|input| input.email)
    }

    #[test]
    fn values() {
        for (jsv, expected) in [
            ("{Email:a}", Some("a")),
            ("{Email: a ,X:b}", Some(" a ")),
            ("{X:{a:1,b:[2,3]},email:a}", Some("a")),
            ("{Email:\"a,\"\"b\"\"\"}", Some("a,\"b\"")),
            ("{Email:}", None),
            ("{}", None),
            ("{\"Email\":\"a\"}", None),
        ] {
            assert_eq!(email(jsv), Ok(expected.map(str::to_owned)), "{jsv}");
        }
    }

    #[test]
    fn other_bodies_are_unreadable() {
        for jsv in [
            "",
            "garbage",
            "{Email:a",
            "{Email:\"a}",
            "{Email:{a}",
            "{Email:a}}",
            "{Email}",
        ] {
            assert_eq!(email(jsv), Err(Unreadable), "{jsv}");
        }
    }
}
