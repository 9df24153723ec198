//! Names and values of queries and forms, `application/x-www-form-urlencoded` or
//! `multipart/form-data`.

use password::Secret;

use super::Rejection;
use crate::operation::Input;
use crate::servicestack::MAX_PARAMETERS;

/// A name and a value.
pub(super) type Pair = (String, String);

/// The pairs of a body, if its content type says that it is a form.
pub(super) fn pairs(content_type: &str, body: &[u8]) -> Option<Vec<Pair>> {
    let mut parts = content_type.split(';').map(str::trim);
    let base = parts.next().unwrap_or_default();
    if base.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(urlencoded(body))
    } else if base.eq_ignore_ascii_case("multipart/form-data") {
        Some(
            parameter(parts, "boundary")
                .map(|b| multipart(b, body))
                .unwrap_or_default(),
        )
    } else {
        None
    }
}

/// The pairs of a query or a urlencoded body, at most one more than allowed.
pub(super) fn urlencoded(encoded: &[u8]) -> Vec<Pair> {
    form_urlencoded::parse(encoded)
        .into_owned()
        .take(MAX_PARAMETERS + 1)
        .collect()
}

/// The parts of a multipart body that are no files (RFC 7578), at most one more than allowed.
fn multipart(boundary: &str, body: &[u8]) -> Vec<Pair> {
    let text = String::from_utf8_lossy(body);
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break before it.
    let body = format!("\r\n{text}");
    body.split(&delimiter)
        .skip(1)
        .filter_map(part)
        .take(MAX_PARAMETERS + 1)
        .collect()
}

fn part(part: &str) -> Option<Pair> {
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

/// Applies pairs: names in any case, empty values ignored, several values of one name joined by
/// commas.
pub(super) fn bind(pairs: &[Pair], input: &mut Input) -> Result<(), Rejection> {
    if pairs.len() > MAX_PARAMETERS {
        return Err(Rejection::TooManyParameters);
    }
    let value = |name: &str| {
        let values = pairs.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        values
            .map(|(_, value)| value.clone())
            .reduce(|joined, value| joined + "," + &value)
            .filter(|value| !value.is_empty())
    };
    let set = |member: &mut Option<String>, name| {
        if let Some(value) = value(name) {
            *member = Some(value);
        }
    };
    set(&mut input.email, "Email");
    set(&mut input.customer_brand_name, "CustomerBrandName");
    set(&mut input.requester, "Requester");
    if let Some(password) = value("NewPassword") {
        input.new_password = Some(Secret::from(password));
    }
    if let Some(flag) = value("SendResetEmail") {
        input.send_reset_email = boolean(flag)?;
    }
    Ok(())
}

/// ServiceStack's converter: a single character or a number that is no truth is false.
fn boolean(value: String) -> Result<bool, Rejection> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Ok(true),
        "false" => Ok(false),
        other if other.chars().count() == 1 || other.parse::<i64>().is_ok() => Ok(false),
        _ => Err(Rejection::Unbindable { value }),
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
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("Multipart/Form-Data; boundary=\"XX\"", body.as_bytes()),
            Some(vec![
                pair("Email", "a@b"),
                pair("Requester", "line\r\nline")
            ])
        );
        assert_eq!(pairs("multipart/form-data", body.as_bytes()), Some(vec![]));
        assert_eq!(pairs("application/json", b"{}"), None);
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
        ] {
            assert_eq!(boolean(value.to_owned()), Ok(expected), "{value}");
        }
        for value in ["off", "yes", "abc"] {
            assert!(boolean(value.to_owned()).is_err(), "{value}");
        }
    }
}
