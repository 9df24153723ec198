//! ServiceStack's formats, and the choice of one by a request.

use std::convert::Infallible;

use http::header;
use shared::http::Parameters;
use shared::lambda::Request;
use xml::soap::Version;

use super::value::JsonStyle;

/// The content type of SOAP 1.1. Requests with it are answered with an envelope on the service's
/// own route too.
const TEXT_XML: &str = "text/xml; charset=utf-8";

/// A format of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// The XML of .NET's data contracts.
    Xml,
    /// ServiceStack's own JSON-like format.
    Jsv,
    /// Comma-separated values.
    Csv,
    /// HTML, only for answers.
    Html,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Json, Self::Xml, Self::Jsv, Self::Csv, Self::Html];
    /// The formats that are looked for in `Accept` first, in this order. Weights are ignored.
    const PREFERRED: [Self; 4] = [Self::Json, Self::Html, Self::Xml, Self::Jsv];

    /// The name in paths, suffixes and `?format=`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Jsv => "jsv",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }

    /// The media type of an answer.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Jsv => "application/jsv",
            Self::Csv => "text/csv",
            Self::Html => "text/html",
        }
    }

    /// Finds the format with this name, ignoring case.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// Finds the format of a body with this `Content-Type`.
    pub(super) fn from_media_type(media_type: &str) -> Option<Self> {
        let base = media_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match base.as_str() {
            "application/json" | "text/json" => Some(Self::Json),
            "application/xml" | "text/xml" => Some(Self::Xml),
            "application/jsv" | "text/jsv" => Some(Self::Jsv),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// The format of an answer, with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseFormat {
    /// The format of the body.
    pub format: Format,
    /// The SOAP version of the envelope around an XML body, if there is one.
    pub envelope: Option<Version>,
    /// The `Content-Type`: the format's media type, or the one that the request used for its own
    /// body.
    pub content_type: String,
    /// The options of JSON and JSV.
    pub json_style: JsonStyle,
}

impl ResponseFormat {
    /// A format with its own media type and default options.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let charset = if format == Format::Json {
            "; charset=utf-8"
        } else {
            ""
        };
        let content_type = format!("{}{charset}", format.media_type());
        Self {
            format,
            envelope: None,
            content_type,
            json_style: JsonStyle::default(),
        }
    }

    /// XML in a SOAP envelope.
    #[must_use]
    pub fn soap(version: Version) -> Self {
        let content_type = match version {
            Version::V11 => TEXT_XML,
            Version::V12 => version.media_type(),
        };
        Self {
            envelope: Some(version),
            content_type: content_type.to_owned(),
            ..Self::new(Format::Xml)
        }
    }

    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.envelope {
            Some(Version::V11) => "soap11",
            Some(Version::V12) => "soap12",
            None => self.format.name(),
        }
    }

    /// Sets the JSON options from `?jsconfig=`.
    pub(super) fn with_json_style(self, request: &Request) -> Self {
        Self {
            json_style: json_style(request),
            ..self
        }
    }
}

/// The format that `?format=` names: a value that contains json, xml or jsv, or one that equals csv
/// or html.
pub(super) fn format_parameter(request: &Request) -> Option<Format> {
    let value = query_value(request, "format")?.to_ascii_lowercase();
    let value = value.split('.').next().unwrap_or_default();
    [Format::Json, Format::Xml, Format::Jsv]
        .into_iter()
        .find(|format| value.contains(format.name()))
        .or_else(|| {
            [Format::Csv, Format::Html]
                .into_iter()
                .find(|format| value == format.name())
        })
}

fn json_style(request: &Request) -> JsonStyle {
    let mut style = JsonStyle::default();
    let options = query_value(request, "jsconfig").unwrap_or_default();
    for option in options.to_ascii_lowercase().split(',') {
        let (name, value) = option.split_once(':').unwrap_or((option, "true"));
        let is_on = !matches!(value, "false" | "0");
        match name {
            "eccn" | "emitcamelcasenames" => style.camel_case = is_on,
            "inv" | "includenullvalues" => style.with_nulls = is_on,
            _ => {}
        }
    }
    style
}

/// The value of a parameter of the query. Bytes that are not UTF-8 become U+FFFD.
pub(super) fn query_value(request: &Request, name: &str) -> Option<String> {
    let parameters = Parameters::decode(request.query.as_bytes(), |bytes| {
        Ok::<_, Infallible>(String::from_utf8_lossy(bytes))
    });
    parameters.ok()?.value(name)
}

/// The format that `Accept` requests, in the order of ServiceStack's `GetResponseContentType`.
/// Weights are ignored.
pub(super) fn accepted(request: &Request) -> ResponseFormat {
    let accept = request.header(header::ACCEPT).unwrap_or_default();
    let accepts = |media_type: &str| {
        accept
            .split(',')
            .any(|accepted| accepted.trim().starts_with(media_type))
    };
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let is_accepted = |format: &Format| accepts(format.media_type());

    let of_request = Format::PREFERRED
        .into_iter()
        .find(|format| content_type == format.media_type())
        .filter(is_accepted);
    if let Some(format) = of_request.or_else(|| Format::PREFERRED.into_iter().find(is_accepted)) {
        return ResponseFormat::new(format);
    }
    if content_type == TEXT_XML && (accept.is_empty() || accepts("*/*")) {
        return ResponseFormat::soap(Version::V11);
    }
    if accepts("*/*") {
        return of_request_body(&content_type);
    }
    ResponseFormat::new(if is_accepted(&Format::Csv) {
        Format::Csv
    } else {
        Format::Json
    })
}

/// The format of the request's own body, with the media type that the request gave it, for example
/// `text/xml`.
fn of_request_body(content_type: &str) -> ResponseFormat {
    match Format::from_media_type(content_type) {
        Some(format) if content_type != format.media_type() => ResponseFormat {
            content_type: content_type.to_owned(),
            ..ResponseFormat::new(format)
        },
        Some(format) => ResponseFormat::new(format),
        None => ResponseFormat::new(Format::Json),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    const JSON: &str = "application/json; charset=utf-8";

    fn answer(query: &str, content_type: &str, accept: &str) -> ResponseFormat {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        let request = Request::new(Method::POST, &format!("?{query}"), headers, vec![]);
        let format = format_parameter(&request);
        format
            .map_or_else(|| accepted(&request), ResponseFormat::new)
            .with_json_style(&request)
    }

    #[test]
    fn accept_chooses() {
        for (content_type, accept, expected) in [
            (
                "application/xml",
                "application/xml,application/json",
                "application/xml",
            ),
            (
                "application/json",
                "application/xml, text/html",
                "text/html",
            ),
            ("", "text/csv", "text/csv"),
            ("", "text/csv,*/*", JSON),
            ("application/jsv", "image/png,*/*;q=0.1", "application/jsv"),
            ("text/xml; charset=utf-8", "*/*", "text/xml; charset=utf-8"),
            ("text/json", "*/*", "text/json"),
            ("application/json", "*/*", JSON),
            ("multipart/form-data; boundary=x", "*/*", JSON),
            ("application/json", "Application/XML", JSON),
        ] {
            let format = answer("", content_type, accept);
            assert_eq!(format.content_type, expected, "{content_type} {accept}");
        }
    }

    #[test]
    fn the_query_comes_before_accept() {
        for (query, expected) in [
            ("format=XML", Format::Xml),
            ("FORMAT=x-json.x", Format::Json),
            ("format=xml&format=json", Format::Json),
            ("format=CSV", Format::Csv),
            ("format=csv2", Format::Jsv),
            ("format=", Format::Jsv),
        ] {
            let format = answer(query, "", "application/jsv").format;
            assert_eq!(format, expected, "{query}");
        }
    }

    #[test]
    fn jsconfig_is_a_list_of_switches() {
        for (query, camel_case, with_nulls) in [
            ("", false, false),
            ("jsconfig=eccn", true, false),
            ("jsconfig=ECCN,inv:1", true, true),
            (
                "jsconfig=EmitCamelCaseNames:true&jsconfig=IncludeNullValues",
                true,
                true,
            ),
            ("jsconfig=eccn,eccn:False,inv:0", false, false),
        ] {
            let expected = JsonStyle {
                camel_case,
                with_nulls,
            };
            assert_eq!(answer(query, "", "").json_style, expected, "{query}");
        }
    }

    #[test]
    fn an_envelope_has_its_version_in_logs() {
        for (format, name) in [
            (ResponseFormat::new(Format::Xml), "xml"),
            (ResponseFormat::new(Format::Html), "html"),
            (ResponseFormat::soap(Version::V11), "soap11"),
            (ResponseFormat::soap(Version::V12), "soap12"),
        ] {
            assert_eq!(format.name(), name);
        }
    }

    #[test]
    fn a_body_has_a_format_by_its_media_type() {
        for (content_type, expected) in [
            ("application/json", Some(Format::Json)),
            ("Text/JSON; charset=utf-8", Some(Format::Json)),
            ("application/xml", Some(Format::Xml)),
            (" text/xml ;charset=utf-8", Some(Format::Xml)),
            ("application/jsv", Some(Format::Jsv)),
            ("text/jsv", Some(Format::Jsv)),
            ("text/csv", Some(Format::Csv)),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(
                Format::from_media_type(content_type),
                expected,
                "{content_type}"
            );
        }
    }

    /// Clients of SOAP 1.1 are recognised by their content type on the service's own route too.
    #[test]
    fn text_xml_in_utf8_is_answered_by_an_envelope() {
        for (content_type, accept, envelope) in [
            (TEXT_XML, "", Some(Version::V11)),
            (TEXT_XML, "*/*", Some(Version::V11)),
            (TEXT_XML, "application/json", None),
            ("application/json", "", None),
        ] {
            let format = answer("", content_type, accept);
            assert_eq!(format.envelope, envelope, "{content_type} {accept}");
        }
        let soap = |version| (ResponseFormat::soap(version).content_type, version);
        for (content_type, version) in [
            (TEXT_XML, Version::V11),
            ("application/soap+xml", Version::V12),
        ] {
            assert_eq!(soap(version), (content_type.to_owned(), version));
        }
    }
}
