//! Requests to typed input: the body by its format, then the query.

mod credential;
mod form;
mod json;
mod jsv;
mod xml;

use http::header;
use password::Secret;
use shared::lambda::Request;
use shared::text::one_line;

use super::format::Format;
use super::route::Endpoint;
use super::status::Rejection;
use super::{MAX_BODY, MAX_REQUESTER};
use crate::operation::Input;

pub use credential::credential;

/// A body is not what its format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unreadable;

/// Reads the input that came to `endpoint`.
pub fn decode(endpoint: Endpoint, request: &Request) -> Result<Input, Rejection> {
    if request.body.len() > MAX_BODY {
        return Err(Rejection::TooLong);
    }
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let form = form::pairs(&content_type, &request.body);
    let mut input = if form.is_none() && !request.body.is_empty() {
        read_body(endpoint, &content_type, &request.body)?
    } else {
        Input::default()
    };
    // The query wins over a body on the service's own route, and a form wins over the query. A
    // password in a query would stand in access logs, so it is not taken from there.
    if matches!(endpoint, Endpoint::Route { .. }) {
        let mut query = form::urlencoded(request.query.as_bytes());
        query.retain(|(name, _)| !name.eq_ignore_ascii_case("NewPassword"));
        form::bind(&query, &mut input)?;
    }
    form::bind(&form.unwrap_or_default(), &mut input)?;
    input.requester = input.requester.as_deref().map(annotation);
    Ok(input)
}

/// What ends up in the audit trail, where people read it in a line: no line breaks, and not more
/// than a name needs. It decides nothing, so there is no reason to refuse a longer one.
fn annotation(text: &str) -> String {
    one_line(text).chars().take(MAX_REQUESTER).collect()
}

/// A predefined route reads its own format, whatever the content type; the service's own route
/// ignores a body of a content type that it does not know.
fn read_body(endpoint: Endpoint, content_type: &str, body: &[u8]) -> Result<Input, Rejection> {
    let (format, name) = match endpoint {
        Endpoint::Predefined {
            format: format @ (Format::Json | Format::Xml | Format::Jsv),
        } => (Some(format), format.media_type()),
        _ => (Format::of_media_type(content_type), content_type),
    };
    let result = match format {
        Some(Format::Json) => json::read(body),
        Some(Format::Xml) => xml::read(body),
        Some(Format::Jsv) => jsv::read(body),
        Some(Format::Csv | Format::Html) | None => Ok(Input::default()),
    };
    result.map_err(|Unreadable| Rejection::Unreadable {
        content_type: name.to_owned(),
    })
}

/// Sets a member by its name in any case; a name of none is skipped without a look at its value.
fn assign(
    input: &mut Input,
    name: &str,
    value: impl FnOnce() -> Result<Option<String>, Unreadable>,
) -> Result<(), Unreadable> {
    match name.to_ascii_lowercase().as_str() {
        "email" => input.email = value()?,
        "newpassword" => input.new_password = value()?.map(Secret::from),
        "customerbrandname" => input.customer_brand_name = value()?,
        "requester" => input.requester = value()?,
        "sendresetemail" => input.send_reset_email = boolean(value()?.as_deref())?,
        _ => {}
    }
    Ok(())
}

/// A boolean of JSON or JSV; null is false.
fn boolean(text: Option<&str>) -> Result<bool, Unreadable> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "1" | "on") => Ok(true),
        Some("false" | "0" | "off") | None => Ok(false),
        Some(_) => Err(Unreadable),
    }
}
