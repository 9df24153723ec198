//! Decoding of requests: the body by its format, then the query and the form.

use http::header;
use shared::lambda::Request;
use shared::text::one_line;

use super::body::Unreadable;
use super::compression::{BodyError, plain_body};
use super::members::RequestDto;
use super::soap::{self, SoapError};
use super::verb::verb;
use super::{csv, form, json, jsv, xml};
use crate::operation::Input;
use crate::servicestack::endpoint::Endpoint;
use crate::servicestack::format::Format;
use crate::servicestack::rejection::Rejection;

/// The maximum length of `Requester`, in characters. The rest is cut off.
const MAX_REQUESTER: usize = 256;

/// Reads the input of a call.
pub fn decode(endpoint: Endpoint, request: &Request) -> Result<Input, Rejection> {
    decode_dto(endpoint, request).map(with_short_requester)
}

/// Reads a request DTO. On a service's own route, the query takes precedence over the body. On
/// every route, a form takes precedence over the query.
pub(super) fn decode_dto<D: RequestDto>(
    endpoint: Endpoint,
    request: &Request,
) -> Result<D, Rejection> {
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let (format, name) = body_format(endpoint, &content_type);
    let unreadable = |content_type: &str| Rejection::Unreadable {
        content_type: content_type.to_owned(),
        dto: D::TYPE,
    };
    let body = plain_body(request).map_err(|error| match error {
        BodyError::TooLong => Rejection::TooLong,
        BodyError::Corrupt => unreadable(name),
    })?;
    if let Endpoint::Soap(version) = endpoint {
        return soap::read(version, &body).map_err(|error| match error {
            SoapError::Unreadable => unreadable(name),
            SoapError::UnknownOperation(name) => Rejection::UnknownOperation(name),
        });
    }
    let form = form::parameters::<D>(&content_type, &body)
        .map_err(|Unreadable| unreadable(&content_type))?;
    let mut dto = match format {
        Some(format) if form.is_none() && !body.is_empty() => {
            read_body(format, &body).map_err(|Unreadable| unreadable(name))?
        }
        _ => D::default(),
    };
    let query = match endpoint {
        Endpoint::Route { .. } => &request.query,
        Endpoint::Predefined { .. } if verb(request).eq_ignore_ascii_case("GET") => &request.query,
        Endpoint::Predefined { .. } | Endpoint::Soap(_) => "",
    };
    let query = form::query::<D>(query)
        .map_err(|Unreadable| unreadable("application/x-www-form-urlencoded"))?;
    form::bind(&form.unwrap_or_default(), &query, &mut dto)?;
    Ok(dto)
}

/// The format of a body that is not a form, and its name in error messages. A predefined route
/// reads its own format, whatever the content type. The service's own route ignores a body with an
/// unknown content type.
fn body_format(endpoint: Endpoint, content_type: &str) -> (Option<Format>, &str) {
    match endpoint {
        Endpoint::Predefined { format } if format != Format::Html => {
            (Some(format), format.media_type())
        }
        Endpoint::Soap(version) => (None, version.media_type()),
        _ => (Format::from_media_type(content_type), content_type),
    }
}

fn read_body<D: RequestDto>(format: Format, body: &[u8]) -> Result<D, Unreadable> {
    match format {
        Format::Json => json::read(body),
        Format::Xml => xml::read(body),
        Format::Jsv => jsv::read(body),
        Format::Csv => csv::read(body),
        Format::Html => Ok(D::default()),
    }
}

/// Shortens `Requester` to one line for the audit trail. It is never refused, because nothing
/// depends on it.
fn with_short_requester(mut input: Input) -> Input {
    let shortened = |text: String| one_line(&text).chars().take(MAX_REQUESTER).collect();
    input.requester = input.requester.map(shortened);
    input
}

#[cfg(test)]
mod tests {
    use ::xml::soap::Version;
    use http::{HeaderMap, Method};

    use super::*;
    use crate::servicestack::contract::REQUEST_TYPE;

    fn decoded(endpoint: Endpoint, content_type: &str, body: &str) -> Result<Input, Rejection> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
        let request = Request::new(Method::POST, "/", headers, body.as_bytes().to_vec());
        decode(endpoint, &request)
    }

    #[test]
    fn an_error_quotes_the_media_type_of_the_soap_version_not_the_content_type() {
        for version in Version::ALL {
            let decoded = decoded(Endpoint::Soap(version), "text/plain", "no XML");
            let content_type = version.media_type().to_owned();
            let expected = Rejection::Unreadable {
                content_type,
                dto: REQUEST_TYPE,
            };
            assert_eq!(decoded.err(), Some(expected));
        }
    }

    #[test]
    fn a_predefined_route_reads_the_query_of_a_get_alone() {
        let endpoint = Endpoint::Predefined {
            format: Format::Json,
        };
        for (method, email) in [(Method::GET, Some("a@example.com")), (Method::POST, None)] {
            let uri = "/?Email=a%40example.com";
            let request = Request::new(method, uri, HeaderMap::new(), vec![]);
            let input = decode(endpoint, &request).unwrap();
            assert_eq!(input.email.as_deref(), email, "{}", request.method);
        }
    }

    #[test]
    fn a_predefined_route_reads_its_own_format_and_the_html_route_any() {
        let predefined = |format| Endpoint::Predefined { format };
        let json = r#"{"Email":"a@example.com"}"#;
        for (format, content_type) in [
            (Format::Json, "text/csv"),
            (Format::Json, ""),
            (Format::Html, "application/json"),
        ] {
            let input = decoded(predefined(format), content_type, json).unwrap();
            assert_eq!(
                input.email.as_deref(),
                Some("a@example.com"),
                "{content_type}"
            );
        }
        let input = decoded(predefined(Format::Html), "text/html", json).unwrap();
        assert_eq!(input.email, None);
    }
}
