//! Metadata pages, on which the service describes itself: the list of its operations, and the
//! operation in each format.

use askama::Template;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use shared::lambda::Request;

use super::contract::REQUEST_DTO;
use super::format::{Format, query_value};
use super::html;

/// Formats that have a page.
const FORMATS: [Format; 4] = [Format::Xml, Format::Json, Format::Jsv, Format::Csv];

/// Metadata page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `/`, which redirects to the list of operations.
    Root,
    /// List of operations.
    Operations,
    /// The operation, in a format.
    Operation(Format),
    /// An empty page: the operation's name is in the wrong case.
    Misspelt,
    /// An empty page: there is no operation of this name.
    Forbidden,
}

/// Page at a path without its leading slash.
pub(super) fn page(path: &str, request: &Request) -> Option<Page> {
    let format = match path.split_once('/') {
        None if path.is_empty() => return Some(Page::Root),
        None if path.eq_ignore_ascii_case("metadata") => return Some(Page::Operations),
        Some((format, page)) if page.eq_ignore_ascii_case("metadata") => format,
        _ => return None,
    };
    let format = FORMATS
        .into_iter()
        .find(|f| f.name().eq_ignore_ascii_case(format))?;
    Some(match query_value(request, "op") {
        None => Page::Operations,
        Some(name) if name == REQUEST_DTO => Page::Operation(format),
        Some(name) if name.eq_ignore_ascii_case(REQUEST_DTO) => Page::Misspelt,
        Some(_) => Page::Forbidden,
    })
}

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage<'a> {
    base: &'a str,
    formats: [Format; 4],
}

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage<'a> {
    base: &'a str,
    host: &'a str,
    format: Format,
    classes: &'static [Class],
    request: &'static str,
    response: &'static str,
}

/// Class of the data contract, with the members that it declares.
struct Class {
    name: &'static str,
    members: &'static [Member],
}

struct Member {
    name: &'static str,
    data_type: &'static str,
    is_required: bool,
    description: &'static str,
}

const fn member(
    name: &'static str,
    data_type: &'static str,
    is_required: bool,
    description: &'static str,
) -> Member {
    Member {
        name,
        data_type,
        is_required,
        description,
    }
}

/// Classes in the order of the original page: the request, its base class, the response.
const CLASSES: [Class; 3] = [
    Class {
        name: "UpdateUserRegistrationPasswordRequest",
        members: &[
            member(
                "Email",
                "string",
                true,
                "E-mail address of the user registration",
            ),
            member("NewPassword", "string", true, "Password to set"),
            member(
                "SendResetEmail",
                "bool",
                false,
                "Whether to tell the user by e-mail",
            ),
            member(
                "CustomerBrandName",
                "string",
                false,
                "Chooses among users of one address",
            ),
        ],
    },
    Class {
        name: "RequesterBase",
        members: &[member("Requester", "string", false, "On whose behalf")],
    },
    Class {
        name: "UpdateUserRegistrationPasswordResponse",
        members: &[
            member(
                "ResponseStatus",
                "ResponseStatus",
                false,
                "What went wrong, if anything",
            ),
            member("Id", "long", false, "Number of the user registration"),
            member("DisplayName", "string", false, "Name of the user"),
            member(
                "ResetEmailSent",
                "bool",
                false,
                "Whether the e-mail was accepted for delivery",
            ),
        ],
    },
];

impl Page {
    /// Writes the response.
    #[must_use]
    pub fn encode(self, request: &Request) -> Response<String> {
        let url = service_url(request);
        let (_, service) = url.split_once("://").unwrap_or(("", &url));
        // The host, and the stage that a gateway puts in front of every path.
        let (host, base) = service.split_at(service.find('/').unwrap_or(service.len()));
        match self {
            Self::Root => redirect(&format!("{url}/metadata")),
            Self::Operations => html::page(&OperationsPage {
                base,
                formats: FORMATS,
            }),
            Self::Operation(format) => html::page(&OperationPage {
                base,
                host,
                format,
                classes: &CLASSES,
                request: sample_request(format),
                response: sample_response(format),
            }),
            Self::Misspelt => html::empty_page(StatusCode::OK),
            Self::Forbidden => html::empty_page(StatusCode::FORBIDDEN),
        }
    }
}

/// URL of the service, without the request's own path.
fn service_url(request: &Request) -> String {
    let url = request.url();
    url.strip_suffix(&request.path).unwrap_or(&url).to_owned()
}

fn redirect(url: &str) -> Response<String> {
    let mut response = html::plain(StatusCode::FOUND, "");
    if let Ok(location) = HeaderValue::try_from(url) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn sample_request(format: Format) -> &'static str {
    match format {
        Format::Xml => include_str!("assets/request.xml"),
        Format::Json => include_str!("assets/request.json"),
        Format::Jsv => include_str!("assets/request.jsv"),
        Format::Csv | Format::Html => include_str!("assets/request.csv"),
    }
}

fn sample_response(format: Format) -> &'static str {
    match format {
        Format::Xml => include_str!("assets/response.xml"),
        Format::Json => include_str!("assets/response.json"),
        Format::Jsv => include_str!("assets/response.jsv"),
        Format::Csv | Format::Html => include_str!("assets/response.csv"),
    }
}
