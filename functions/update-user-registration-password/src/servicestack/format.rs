//! The formats, and which of them an answer takes.

use http::header;
use shared::lambda::Request;

use super::route::Endpoint;

/// A format of ServiceStack's.
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
    /// A page.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Json, Self::Xml, Self::Jsv, Self::Csv, Self::Html];
    /// Those that `Accept` is searched for first, in this order, whatever their weights.
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

    /// The format a body of this media type has.
    pub(super) fn of_media_type(media_type: &str) -> Option<Self> {
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

/// How to write an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseFormat {
    /// In what.
    pub format: Format,
    /// What to call it: usually the format's own media type.
    pub content_type: String,
    /// `?jsconfig=eccn`: names of the DTO in camel case.
    pub camel_case: bool,
}

impl ResponseFormat {
    /// The format under its own name.
    #[must_use]
    pub fn of(format: Format) -> Self {
        let charset = if format == Format::Json {
            "; charset=utf-8"
        } else {
            ""
        };
        let content_type = format!("{}{charset}", format.media_type());
        Self {
            format,
            content_type,
            camel_case: false,
        }
    }
}

/// The format of the answer: the suffix, else `?format=`, else for a predefined route its own and
/// for the service's route what `Accept` says, else JSON.
#[must_use]
pub fn response_format(endpoint: Endpoint, request: &Request) -> ResponseFormat {
    let decided = match endpoint {
        Endpoint::Route {
            suffix: Some(format),
        } => Some(format),
        Endpoint::Route { suffix: None } => format_parameter(request),
        Endpoint::Predefined { format } => Some(format_parameter(request).unwrap_or(format)),
    };
    let mut response_format = match decided {
        Some(format) => ResponseFormat::of(format),
        None => accepted(request),
    };
    response_format.camel_case = wants_camel_case(request);
    response_format
}

/// The format that `?format=` names: any value that contains json, xml or jsv, else exactly csv
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

fn wants_camel_case(request: &Request) -> bool {
    query_value(request, "jsconfig").is_some_and(|value| {
        value.split(',').any(|option| {
            let (name, value) = option.split_once(':').unwrap_or((option, "true"));
            let is_on = !matches!(value.to_ascii_lowercase().as_str(), "false" | "0");
            is_on && (name == "eccn" || name.eq_ignore_ascii_case("EmitCamelCaseNames"))
        })
    })
}

pub(super) fn query_value(request: &Request, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query.as_bytes())
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

/// What `Accept` asks for; weights are not looked at.
fn accepted(request: &Request) -> ResponseFormat {
    let accept = request
        .header(header::ACCEPT)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let accepted: Vec<&str> = accept.split(',').map(str::trim).collect();
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let is_accepted = |format: &Format| {
        accepted
            .iter()
            .any(|accept| accept.starts_with(format.media_type()))
    };

    let of_request = Format::PREFERRED
        .into_iter()
        .find(|format| content_type.eq_ignore_ascii_case(format.media_type()))
        .filter(is_accepted);
    if let Some(format) = of_request.or_else(|| Format::PREFERRED.into_iter().find(is_accepted)) {
        return ResponseFormat::of(format);
    }
    if accepted.iter().any(|accept| accept.starts_with("*/*"))
        && let Some(format) = Format::of_media_type(&content_type)
    {
        // Under the request's own name, for instance text/xml.
        let own = ResponseFormat::of(format);
        return match format {
            Format::Json => own,
            _ => ResponseFormat {
                content_type: content_type.into_owned(),
                ..own
            },
        };
    }
    ResponseFormat::of(if is_accepted(&Format::Csv) {
        Format::Csv
    } else {
        Format::Json
    })
}
