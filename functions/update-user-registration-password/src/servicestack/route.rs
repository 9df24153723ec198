//! Routing: by verb and path, in ServiceStack's order.

use std::borrow::Cow;

use shared::http::decode_path;
use shared::lambda::Request;
use xml::soap::Version;

use super::contract::REQUEST_DTO;
use super::endpoint::Endpoint;
use super::format::{Format, ResponseFormat, format_parameter, query_value};
use super::metadata::{self, Page, soap_path};
use super::rejection::Rejection;
use super::request::form_value;

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
    let path = decode_path(&request.path);
    let path = path.trim_start_matches('/');
    let verb = verb(request);
    let is_post = verb.eq_ignore_ascii_case("POST");
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
    if let Some(version) = soap_version(path) {
        return match (is_post, &*verb) {
            (true, _) => Route::Call(Endpoint::Soap(version)),
            (false, "GET") => Route::Page(Page::Wsdl(version)),
            (false, _) => rejected(Rejection::VerbNotAllowed),
        };
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

/// Verb of the request. Proxies and clients that cannot send one name it in a header, in the query or
/// in a form.
fn verb(request: &Request) -> String {
    let name = "x-http-method-override";
    let of_header = request.header(name).map(Cow::into_owned);
    let verb = of_header
        .or_else(|| query_value(request, name))
        .or_else(|| form_value(request, name));
    verb.filter(|verb| !verb.is_empty())
        .unwrap_or_else(|| request.method.to_string())
}

/// The service's own route, in any case, with slashes at its end or a format in lower case as suffix.
fn own_route(path: &str) -> Option<Endpoint> {
    let (name, suffix) = path.split_at_checked(ROUTE.len())?;
    if !name.eq_ignore_ascii_case(ROUTE) {
        return None;
    }
    if suffix.trim_end_matches('/').is_empty() {
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

/// SOAP version of `soap11` and `soap12`, in any case.
fn soap_version(path: &str) -> Option<Version> {
    Version::ALL
        .into_iter()
        .find(|version| soap_path(*version).eq_ignore_ascii_case(path))
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
        Some((action, operation)) => (action, operation.trim_start_matches('/')),
        None => (rest, rest),
    };
    let is_action = ["reply", "oneway"]
        .into_iter()
        .any(|known| action.eq_ignore_ascii_case(known));
    is_action.then_some((format, operation))
}
