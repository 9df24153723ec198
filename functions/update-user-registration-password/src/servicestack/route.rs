//! Which route a request takes: the service's own, or one of the predefined ones.

use http::{Method, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use shared::lambda::Request;

use super::REQUEST_DTO;
use super::format::{Format, ResponseFormat, format_parameter};
use super::metadata::{self, Page};
use super::response::{Reply, plain};
use super::status::Rejection;

const ROUTE: &str = "UpdateUserRegistrationPassword";

/// A way to the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /UpdateUserRegistrationPassword`, perhaps with a format as suffix.
    Route {
        /// The format the suffix names.
        suffix: Option<Format>,
    },
    /// `POST /{format}/reply/UpdateUserRegistrationPasswordRequest`
    Predefined {
        /// The format of the path, of the body and, unless the query says another, of the answer.
        format: Format,
    },
}

/// What a request gets that does not call the operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// Nothing is there, or not for this verb.
    NotFound,
    /// The way to the page of all operations.
    ToMetadata,
    /// A page.
    Page(Page),
    /// A predefined route that leads nowhere.
    Refused {
        /// What to answer.
        rejection: Rejection,
        /// How.
        format: Format,
        /// The verbs that would be allowed, if it is the verb that is wrong.
        allow: Option<&'static str>,
    },
}

impl Instead {
    /// The response.
    #[must_use]
    pub fn encode(self, request: &Request) -> Response<String> {
        match self {
            // Always text, whatever the client accepts (case routing/get-unknown-accept-json).
            Self::NotFound => plain(StatusCode::NOT_FOUND, "404"),
            Self::ToMetadata => {
                let mut response = plain(StatusCode::FOUND, "");
                if let Ok(location) = format!("{}/metadata", service_url(request)).parse() {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            Self::Page(page) => page.encode(request),
            Self::Refused {
                rejection,
                format,
                allow,
            } => {
                let mut response = Reply::from(rejection).encode(&ResponseFormat::of(format));
                if let Some(allow) = allow {
                    let allow = header::HeaderValue::from_static(allow);
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
        }
    }
}

/// Finds the way.
pub fn route(request: &Request) -> Result<Endpoint, Instead> {
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let path = path.trim_start_matches('/');
    let is_post = verb(request).as_str().eq_ignore_ascii_case("POST");
    if let Some(endpoint) = own_route(path) {
        return is_post.then_some(endpoint).ok_or(Instead::NotFound);
    }
    if path.is_empty() {
        return Err(Instead::ToMetadata);
    }
    if let Some(page) = metadata::page(path, request) {
        return Err(Instead::Page(page));
    }
    let (format, operation) = predefined_route(path).ok_or(Instead::NotFound)?;
    let refused = |rejection, allow| {
        let format = format_parameter(request).unwrap_or(format);
        Err(Instead::Refused {
            rejection,
            format,
            allow,
        })
    };
    if !operation.eq_ignore_ascii_case(REQUEST_DTO) {
        return refused(Rejection::UnknownOperation(operation.to_owned()), None);
    }
    if !is_post {
        return refused(Rejection::VerbNotAllowed, Some("POST"));
    }
    Ok(Endpoint::Predefined { format })
}

/// Proxies that cannot send a verb name it in a header.
fn verb(request: &Request) -> Method {
    request
        .header("x-http-method-override")
        .and_then(|verb| verb.parse().ok())
        .unwrap_or_else(|| request.method.clone())
}

/// The service's own route, in any case, with a format in lower case as suffix or without.
fn own_route(path: &str) -> Option<Endpoint> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (name, suffix) = path.split_at_checked(ROUTE.len())?;
    if !name.eq_ignore_ascii_case(ROUTE) {
        return None;
    }
    if suffix.is_empty() {
        return Some(Endpoint::Route { suffix: None });
    }
    let suffix = suffix.strip_prefix('.')?;
    let format = Format::ALL
        .into_iter()
        .find(|format| format.name() == suffix)?;
    Some(Endpoint::Route {
        suffix: Some(format),
    })
}

/// The format and the operation of `{format}/reply/{operation}`, and of the alias
/// `api/{operation}` that today's clients use.
fn predefined_route(path: &str) -> Option<(Format, &str)> {
    let (first, rest) = path.split_once('/')?;
    if first.eq_ignore_ascii_case("api") {
        return rest
            .eq_ignore_ascii_case(REQUEST_DTO)
            .then_some((Format::Json, rest));
    }
    let format = Format::ALL
        .into_iter()
        .find(|f| f.name().eq_ignore_ascii_case(first))?;
    let (action, operation) = match rest.split_once('/') {
        // Without an operation, the action with its slash is taken for one
        // (cases routing/predef-no-op, -slash).
        Some((action, "")) => (action, rest),
        Some((action, operation)) => (action, operation),
        None => (rest, rest),
    };
    let is_action = ["reply", "oneway"]
        .into_iter()
        .any(|known| action.eq_ignore_ascii_case(known));
    is_action.then_some((format, operation))
}

/// The URL in front of the request's own path, as the caller sees it.
fn service_url(request: &Request) -> String {
    let url = request.url();
    url.strip_suffix(&request.path).unwrap_or(&url).to_owned()
}
