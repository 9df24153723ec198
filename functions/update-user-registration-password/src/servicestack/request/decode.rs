//! Decoding of a request: the body by its format, then the query and the form.

use http::header;
use shared::lambda::Request;
use shared::text::one_line;

use super::body::Unreadable;
use super::{form, json, jsv, xml};
use crate::operation::Input;
use crate::servicestack::endpoint::Endpoint;
use crate::servicestack::format::Format;
use crate::servicestack::parameters::Parameters;
use crate::servicestack::rejection::Rejection;

/// Longest body that is read, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// Longest `Requester` that is kept, in characters.
const MAX_REQUESTER: usize = 256;

/// Reads the input of a call.
pub fn decode(endpoint: Endpoint, request: &Request) -> Result<Input, Rejection> {
    if request.body.len() > MAX_BODY {
        return Err(Rejection::TooLong);
    }
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let form = form::parameters(&content_type, &request.body);
    let mut input = if form.is_none() && !request.body.is_empty() {
        read_body(endpoint, &content_type, &request.body)?
    } else {
        Input::default()
    };
    // The query wins over a body on the service's own route, and a form wins over the query. A
    // password in a query would end up in access logs, so it is not taken from there.
    if matches!(endpoint, Endpoint::Route { .. }) {
        let mut query = Parameters::urlencoded(request.query.as_bytes());
        query.remove("NewPassword");
        form::bind(&query, &mut input)?;
    }
    form::bind(&form.unwrap_or_default(), &mut input)?;
    input.requester = input.requester.as_deref().map(annotation);
    Ok(input)
}

/// Text for the audit trail, where people read it in one line. A longer one is cut rather than
/// refused, because it decides nothing.
fn annotation(text: &str) -> String {
    one_line(text).chars().take(MAX_REQUESTER).collect()
}

/// Reads a body that is no form. A predefined route reads its own format, whatever the content
/// type; the service's own route ignores a body whose content type it does not know.
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
