//! Routing: by verb and path, in ServiceStack's order.

use http::Method;
use percent_encoding::percent_decode_str;
use shared::lambda::Request;

use super::contract::REQUEST_DTO;
use super::endpoint::Endpoint;
use super::format::{Format, ResponseFormat, format_parameter};
use super::metadata::{self, Page};
use super::rejection::Rejection;

const ROUTE: &str = "UpdateUserRegistrationPassword";

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A call of the operation.
    Call(Endpoint),
    /// A page that describes the service.
    Page(Page),
    /// Neither.
    Rejected(Rejection),
}

impl Route {
    /// Format of the answer to a call or its rejection: see [`Endpoint::response_format`]. Without an
    /// endpoint, that of `?format=`, else of the path's first segment, else JSON.
    #[must_use]
    pub fn response_format(&self, request: &Request) -> ResponseFormat {
        match self {
            Self::Call(endpoint) => endpoint.response_format(request),
            Self::Page(_) | Self::Rejected(_) => {
                let path = request.path.trim_start_matches('/');
                let of_path = || Format::named(path.split('/').next().unwrap_or_default());
                let format = format_parameter(request).or_else(of_path);
                ResponseFormat::of(format.unwrap_or(Format::Json))
            }
        }
    }
}

/// Finds what a request is for.
#[must_use]
pub fn route(request: &Request) -> Route {
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let path = path.trim_start_matches('/');
    let is_post = verb(request).as_str().eq_ignore_ascii_case("POST");
    let rejected = Route::Rejected;
    if let Some(endpoint) = own_route(path) {
        return if is_post {
            Route::Call(endpoint)
        } else {
            rejected(Rejection::NotFound)
        };
    }
    if let Some(page) = metadata::page(path, request) {
        return Route::Page(page);
    }
    match predefined_route(path) {
        None => rejected(Rejection::NotFound),
        Some((_, operation)) if !operation.eq_ignore_ascii_case(REQUEST_DTO) => {
            rejected(Rejection::UnknownOperation(operation.to_owned()))
        }
        Some(_) if !is_post => rejected(Rejection::VerbNotAllowed),
        Some((format, _)) => Route::Call(Endpoint::Predefined { format }),
    }
}

/// Verb of the request. Proxies that cannot send one name it in a header.
fn verb(request: &Request) -> Method {
    request
        .header("x-http-method-override")
        .and_then(|verb| verb.parse().ok())
        .unwrap_or_else(|| request.method.clone())
}

/// The service's own route, in any case, with or without a format in lower case as suffix.
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

/// Format and operation of `{format}/reply/{operation}`, and of its alias `api/{operation}`, which
/// today's ServiceStack clients use.
fn predefined_route(path: &str) -> Option<(Format, &str)> {
    let (first, rest) = path.split_once('/')?;
    if first.eq_ignore_ascii_case("api") {
        return rest
            .eq_ignore_ascii_case(REQUEST_DTO)
            .then_some((Format::Json, rest));
    }
    let format = Format::named(first)?;
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
