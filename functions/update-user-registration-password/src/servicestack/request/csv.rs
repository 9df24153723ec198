//! Decoding of CSV bodies (RFC 4180): a line of names and a line of values. Further lines are
//! ignored.
//!
//! Written by hand, because csv-core accepts a quoted field that has text after its closing
//! quotation mark, or that has no closing quotation mark.

use super::body::{self, Unreadable};
use super::members::RequestDto;

/// Reads a request DTO. Names may be in any case and order. Unknown names are skipped, and members
/// without a value are null.
pub(super) fn read<D: RequestDto>(body: &[u8]) -> Result<D, Unreadable> {
    let (names, rest) = read_line(body::text(body)?)?;
    if rest.is_empty() {
        return Err(Unreadable);
    }
    let (values, _) = read_line(rest)?;
    let mut dto = D::default();
    for (name, value) in names.iter().zip(values) {
        if let Some(member) = D::member(name) {
            member.set(&mut dto, Some(value), boolean)?;
        }
    }
    Ok(dto)
}

/// Parses a boolean of CSV. An empty field is an error.
fn boolean(text: Option<&str>) -> Option<bool> {
    body::boolean(Some(text?))
}

/// Reads the first line. Returns its fields and the text after the line.
fn read_line(mut text: &str) -> Result<(Vec<String>, &str), Unreadable> {
    let mut fields = Vec::new();
    loop {
        let (field, rest) = read_field(text)?;
        fields.push(field);
        if let Some(rest) = rest.strip_prefix(',') {
            text = rest;
        } else {
            let rest = rest.strip_prefix("\r\n").or(rest.strip_prefix('\n'));
            return Ok((fields, rest.unwrap_or_default()));
        }
    }
}

/// Reads the field at the start of `text`. Returns it and the text after it, which begins with a
/// comma or a line break or is empty.
fn read_field(text: &str) -> Result<(String, &str), Unreadable> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\r', '\n']).unwrap_or(text.len());
        let (field, rest) = text.split_at_checked(end).ok_or(Unreadable)?;
        return if field.contains('"') || !is_end(rest) {
            Err(Unreadable)
        } else {
            Ok((field.to_owned(), rest))
        };
    };
    let mut field = String::new();
    loop {
        let (piece, after) = rest.split_once('"').ok_or(Unreadable)?;
        field.push_str(piece);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None if is_end(after) => return Ok((field, after)),
            None => return Err(Unreadable),
        }
    }
}

fn is_end(rest: &str) -> bool {
    rest.is_empty() || [",", "\n", "\r\n"].iter().any(|end| rest.starts_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Input;

    fn email(csv: &str) -> Result<Option<String>, Unreadable> {
        read::<Input>(csv.as_bytes()).map(|input| input.email)
    }

    #[test]
    fn values() {
        for (csv, expected) in [
            ("Email\na", Some("a")),
            ("\u{feff}Email\r\na\r\n", Some("a")),
            ("X,eMAIL\n1,a,2\n", Some("a")),
            ("Email,X\n\"a,\"\"b\"\"\r\nc\",1", Some("a,\"b\"\r\nc")),
            ("\"Email\"\na\nb\"", Some("a")),
            ("X,Email\n1", None),
            ("Email\n\"\"", Some("")),
            ("Email,SendResetEmail\na,True", Some("a")),
        ] {
            assert_eq!(email(csv), Ok(expected.map(str::to_owned)), "{csv}");
        }
    }

    #[test]
    fn other_bodies_are_unreadable() {
        for csv in [
            "",
            "Email",
            "Email\r\n",
            "{\"Email\":\"a\"}",
            "Email\n\"a",
            "Email\n\"a\"b",
            "Email\na\"b",
            "Email\na\rb",
            "Email,SendResetEmail\na,",
            "Email,SendResetEmail\na,yes",
        ] {
            assert_eq!(email(csv), Err(Unreadable), "{csv}");
        }
        assert_eq!(read::<Input>(b"Email\n\xe9").err(), Some(Unreadable));
    }
}
