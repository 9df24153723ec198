//! Decoding of forms (`application/x-www-form-urlencoded` and `multipart/form-data`) and queries,
//! and binding of their parameters to the members of a request DTO.

use http::header::CONTENT_TYPE;
use shared::http::Parameters;
use shared::lambda::Request;

use super::body::Unreadable;
use super::charset::Charset;
use super::compression::plain_body;
use super::header;
use super::members::{Member, NotBoolean, RequestDto};
use super::multipart;
use crate::operation::Input;
use crate::servicestack::rejection::Rejection;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads the parameters of a form. `None` if the content type is not that of a form.
pub(super) fn parameters<D: RequestDto>(
    content_type: &str,
    body: &[u8],
) -> Result<Option<Parameters>, Unreadable> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let media_type = header::value(content_type);
    if media_type.eq_ignore_ascii_case(URLENCODED) {
        let charset = Charset::for_label(header::parameter(content_type, "charset"))?;
        urlencoded::<D>(body, charset).map(Some)
    } else if media_type.eq_ignore_ascii_case("multipart/form-data") {
        let boundary = header::parameter(content_type, "boundary").unwrap_or_default();
        if boundary.is_empty() {
            return Ok(Some(Parameters::default()));
        }
        multipart::read(boundary, body).map(Some)
    } else {
        Ok(None)
    }
}

/// Reads a parameter of a urlencoded form.
pub(super) fn form_value(request: &Request, name: &str) -> Option<String> {
    let content_type = request.header(CONTENT_TYPE)?;
    if !header::value(&content_type).eq_ignore_ascii_case(URLENCODED) {
        return None;
    }
    let body = plain_body(request).ok()?;
    let form = parameters::<Input>(&content_type, &body).ok()??;
    form.value(name)
}

/// Reads the parameters of a query, which is in UTF-8.
pub(super) fn query<D: RequestDto>(query: &str) -> Result<Parameters, Unreadable> {
    urlencoded::<D>(query.as_bytes(), Charset::Utf8)
}

fn urlencoded<D: RequestDto>(encoded: &[u8], charset: Charset) -> Result<Parameters, Unreadable> {
    let parameters = Parameters::decode(encoded, |bytes| charset.decode(bytes))?;
    // The value contains a lone surrogate in `%uXXXX`.
    let is_damaged = |member: &Member<D>| {
        let value = parameters.value(member.name);
        value.is_some_and(|value| value.contains('\u{fffd}'))
    };
    if D::MEMBERS.iter().any(is_damaged) {
        return Err(Unreadable);
    }
    Ok(parameters)
}

/// Sets the members for which the form or else the query has non-empty values. A password is not
/// read from the query, because access logs contain queries.
pub(super) fn bind<D: RequestDto>(
    form: &Parameters,
    query: &Parameters,
    dto: &mut D,
) -> Result<(), Rejection> {
    if form.exceed_limit() || query.exceed_limit() {
        return Err(Rejection::TooManyParameters);
    }
    for member in D::MEMBERS {
        let value = |parameters: &Parameters| {
            let value = parameters.value(member.name);
            value.filter(|value| !value.is_empty())
        };
        let of_query = || value(query).filter(|_| !member.is_secret);
        if let Some(value) = value(form).or_else(of_query) {
            member
                .set(dto, Some(value), boolean)
                .map_err(|NotBoolean(value)| Rejection::Unbindable {
                    dto: D::NAME,
                    member: member.name,
                    value: first(&value.unwrap_or_default()).to_owned(),
                })?;
        }
    }
    Ok(())
}

/// The first of several values of a boolean, trimmed. ASP.NET MVC sends a hidden `false` after a
/// checkbox's `true`.
fn first(values: &str) -> &str {
    values.split(',').next().unwrap_or_default().trim()
}

/// Parses a boolean of a query or a form. A single character or a number that does not mean true is
/// false.
fn boolean(text: Option<&str>) -> Option<bool> {
    match first(text?).to_ascii_lowercase().as_str() {
        "true" | "1" | "on" => Some(true),
        "false" => Some(false),
        other if other.chars().count() == 1 || other.parse::<i64>().is_ok() => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(content_type: &str, body: &[u8]) -> Result<Option<String>, Unreadable> {
        let form = parameters::<Input>(content_type, body)?;
        Ok(form.and_then(|form| form.value("NewPassword")))
    }

    #[test]
    fn a_charset_is_honoured_and_bytes_that_it_does_not_have_are_refused() {
        let type_of = |charset: &str| format!("application/x-www-form-urlencoded{charset}");
        for (charset, body, expected) in [
            ("", &b"NewPassword=%C3%B6"[..], Ok("ö")),
            (
                ";charset=\"UTF-8\"",
                b"\xef\xbb\xbfNewPassword=\xc3\xb6",
                Ok("ö"),
            ),
            ("; charset=ISO-8859-1", b"NewPassword=%F6%u0041", Ok("öA")),
            ("", b"NewPassword=%F6", Err(Unreadable)),
            ("", b"NewPassword=\xf6", Err(Unreadable)),
            ("", b"Other=%F6", Err(Unreadable)),
            ("", b"NewPassword=%uD83D", Err(Unreadable)),
            ("", b"NewPassword=%uD83D%uDE00", Ok("\u{1F600}")),
            ("; charset=utf-16", b"NewPassword=x", Err(Unreadable)),
            ("; charset=windows-1251", b"NewPassword=x", Err(Unreadable)),
        ] {
            let expected = expected.map(|text| Some(text.to_owned()));
            assert_eq!(
                value(&type_of(charset), body),
                expected,
                "{charset} {body:?}"
            );
        }
    }

    #[test]
    fn a_body_is_a_form_by_its_content_type() {
        let part = b"--x\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\ny\r\n--x--";
        for content_type in [
            "Multipart/Form-Data; boundary=\"x\"",
            "multipart/form-data;Boundary=x",
        ] {
            assert_eq!(value(content_type, part), Ok(Some("y".to_owned())));
        }
        assert_eq!(value("multipart/form-data", part), Ok(None));
        assert!(
            parameters::<Input>("application/json", b"{}")
                .unwrap()
                .is_none()
        );
        assert!(
            parameters::<Input>("application/x-www-form-urlencodedx", b"")
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn booleans() {
        for (value, expected) in [
            ("on", true),
            ("TRUE", true),
            ("1", true),
            (" true\n", true),
            ("true,false", true),
            ("on,off", true),
            ("false,true", false),
            ("False", false),
            ("y", false),
            ("22", false),
            ("0", false),
        ] {
            assert_eq!(boolean(Some(value)), Some(expected), "{value}");
        }
        for value in ["off", "yes", "abc", "abc,true", ",on", " "] {
            assert_eq!(boolean(Some(value)), None, "{value}");
        }
    }

    #[test]
    fn too_many_parameters_of_either_are_refused() {
        let parameters = |number: usize| query::<Input>(&"&".repeat(number - 1)).unwrap();
        let bound = |form: usize, query: usize| {
            let (form, query) = (parameters(form), parameters(query));
            bind(&form, &query, &mut Input::default())
        };
        let too_many = Err(Rejection::TooManyParameters);
        assert_eq!(bound(1_000, 1_000), Ok(()));
        assert_eq!(bound(1_001, 1), too_many);
        assert_eq!(bound(1, 1_001), too_many);
    }

    #[test]
    fn a_value_of_a_form_is_read_from_no_other_body() {
        let value = |content_type: &str| {
            let headers =
                http::HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
            let body = b"name=value".to_vec();
            let request = Request::new(http::Method::POST, "/", headers, body);
            form_value(&request, "Name")
        };
        let charset = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(value(URLENCODED).as_deref(), Some("value"));
        assert_eq!(value(charset).as_deref(), Some("value"));
        assert_eq!(value("text/plain"), None);
        assert_eq!(value("multipart/form-data; boundary=x"), None);
    }
}
