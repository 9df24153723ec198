//! Forms, `application/x-www-form-urlencoded` or `multipart/form-data`, and how their parameters
//! and those of a query set the members of the request DTO.

use super::members::{Member, NotBoolean};
use crate::operation::Input;
use crate::servicestack::parameters::Parameters;
use crate::servicestack::rejection::Rejection;

/// Parameters of a body whose content type is a form's; else `None`.
pub(super) fn parameters(content_type: &str, body: &[u8]) -> Option<Parameters> {
    let mut parts = content_type.split(';').map(str::trim);
    let base = parts.next().unwrap_or_default();
    if base.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(Parameters::urlencoded(body))
    } else if base.eq_ignore_ascii_case("multipart/form-data") {
        Some(
            parameter(parts, "boundary")
                .map(|boundary| multipart(boundary, body))
                .unwrap_or_default(),
        )
    } else {
        None
    }
}

/// Parts of a multipart body that are no files (RFC 7578).
fn multipart(boundary: &str, body: &[u8]) -> Parameters {
    let text = String::from_utf8_lossy(body);
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break before it.
    let body = format!("\r\n{text}");
    body.split(&delimiter).skip(1).filter_map(part).collect()
}

fn part(part: &str) -> Option<(String, String)> {
    let (headers, value) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
    let disposition = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    })?;
    let parameters = || disposition.split(';').map(str::trim);
    if parameter(parameters(), "filename").is_some() {
        return None;
    }
    Some((
        parameter(parameters(), "name")?.to_owned(),
        value.to_owned(),
    ))
}

fn parameter<'a>(mut parts: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    parts.find_map(|part| {
        let (n, value) = part.split_once('=')?;
        n.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Sets the members that `parameters` has non-empty values for.
pub(super) fn bind(parameters: &Parameters, input: &mut Input) -> Result<(), Rejection> {
    if parameters.are_too_many() {
        return Err(Rejection::TooManyParameters);
    }
    for member in Member::ALL {
        let value = parameters.value(member.name());
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            member
                .set(input, Some(value), boolean)
                .map_err(|NotBoolean(value)| Rejection::Unbindable {
                    value: value.unwrap_or_default(),
                })?;
        }
    }
    Ok(())
}

/// Boolean of a query or a form: a single character or a number that is not true is false.
fn boolean(text: Option<&str>) -> Option<bool> {
    match text?.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Some(true),
        "false" => Some(false),
        other if other.chars().count() == 1 || other.parse::<i64>().is_ok() => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_parts_are_pairs_unless_they_are_files() {
        let body = "--XX\r\nContent-Disposition: form-data; name=\"Email\"\r\n\r\na@b\r\n\
                    --XX\r\ncontent-disposition: form-data; name=Requester\r\n\
                    Content-Type: text/plain\r\n\r\nline\r\nline\r\n\
                    --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nx\r\n\
                    --XX--\r\n";
        let form = parameters("Multipart/Form-Data; boundary=\"XX\"", body.as_bytes()).unwrap();
        let value = |name| form.value(name);
        assert_eq!(value("Email").as_deref(), Some("a@b"));
        assert_eq!(value("requester").as_deref(), Some("line\r\nline"));
        assert_eq!(value("f"), None);
        let without_boundary = parameters("multipart/form-data", body.as_bytes());
        assert!(without_boundary.is_some_and(|form| form == Parameters::default()));
        assert!(parameters("application/json", b"{}").is_none());
    }

    #[test]
    fn booleans() {
        for (value, expected) in [
            ("on", true),
            ("TRUE", true),
            ("1", true),
            ("y", false),
            ("22", false),
            ("0", false),
            ("False", false),
        ] {
            assert_eq!(boolean(Some(value)), Some(expected), "{value}");
        }
        for value in ["off", "yes", "abc"] {
            assert_eq!(boolean(Some(value)), None, "{value}");
        }
    }
}
