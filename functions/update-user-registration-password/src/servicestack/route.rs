//! Routing by verb and path, in ServiceStack's order.

use shared::http::decode_path;
use shared::lambda::Request;
use xml::soap::Version;

use super::contract::{AUTHENTICATE, REQUEST_DTO};
use super::endpoint::Endpoint;
use super::format::{Format, ResponseFormat, format_parameter};
use super::metadata::{self, Page, operations, soap_path};
use super::rejection::Rejection;
use super::request::{soap_operation, verb};

const ROUTE: &str = "UpdateUserRegistrationPassword";

/// The destination of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A call of the operation.
    Call(Endpoint),
    /// A call of `Authenticate`: a login, a logout or a status call.
    Authenticate {
        /// The endpoint that was called.
        endpoint: Endpoint,
        /// The provider in the path.
        provider: Option<String>,
    },
    /// A page that describes the service.
    Page(Page),
    /// The request is refused.
    Rejected(Rejection),
}

impl Route {
    /// Determines the format of the answer to a call or its rejection (see
    /// [`Endpoint::response_format`]). Without an endpoint, it is the format of `?format=`, else of
    /// the path's first segment, else JSON.
    #[must_use]
    pub fn response_format(&self, request: &Request) -> ResponseFormat {
        match self {
            Self::Call(endpoint) | Self::Authenticate { endpoint, .. } => {
                endpoint.response_format(request)
            }
            Self::Page(_) | Self::Rejected(_) => {
                let path = request.path.trim_start_matches('/');
                let of_path = || Format::from_name(path.split('/').next().unwrap_or_default());
                let format = format_parameter(request).or_else(of_path);
                ResponseFormat::new(format.unwrap_or(Format::Json))
            }
        }
    }
}

/// Routes a request. Without `sessions`, there is no operation `Authenticate`.
#[must_use]
pub fn route(request: &Request, sessions: bool) -> Route {
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
    if let Some((endpoint, provider)) = authenticate_route(path).filter(|_| sessions) {
        return authenticate(endpoint, provider, &verb);
    }
    if let Some(page) = metadata::page(path, request, sessions) {
        return Route::Page(page);
    }
    if let Some(version) = soap_version(path) {
        let endpoint = Endpoint::Soap(version);
        return match (is_post, &*verb) {
            (true, _) if sessions && is_authenticate(version, request) => {
                authenticate(endpoint, None, &verb)
            }
            (true, _) => Route::Call(endpoint),
            (false, "GET") => Route::Page(Page::Wsdl(version, operations(sessions))),
            (false, _) => rejected(verb_not_allowed(REQUEST_DTO, "POST")),
        };
    }
    match predefined_route(path) {
        None => rejected(Rejection::NotFound),
        Some((format, operation)) if sessions && operation.eq_ignore_ascii_case(AUTHENTICATE) => {
            authenticate(Endpoint::Predefined { format }, None, &verb)
        }
        // `api/` is an alias for existing operations only.
        Some((_, operation)) if !operation.eq_ignore_ascii_case(REQUEST_DTO) => {
            if is_api(path) {
                rejected(Rejection::NotFound)
            } else {
                rejected(Rejection::UnknownOperation(operation.to_owned()))
            }
        }
        Some(_) if !is_post => rejected(verb_not_allowed(REQUEST_DTO, "POST")),
        Some((format, _)) => Route::Call(Endpoint::Predefined { format }),
    }
}

/// Routes a call of `Authenticate`. GET is allowed here, since its meaning depends on the provider,
/// which may be in the body.
fn authenticate(endpoint: Endpoint, provider: Option<String>, verb: &str) -> Route {
    let is_allowed = ["GET", "POST"]
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(verb));
    if is_allowed {
        Route::Authenticate { endpoint, provider }
    } else {
        Route::Rejected(verb_not_allowed(AUTHENTICATE, "GET, POST"))
    }
}

fn is_authenticate(version: Version, request: &Request) -> bool {
    soap_operation(version, request).as_deref() == Some(AUTHENTICATE)
}

fn verb_not_allowed(operation: &'static str, allowed: &'static str) -> Rejection {
    Rejection::VerbNotAllowed { operation, allowed }
}

/// Matches the service's own route, in any case, with trailing slashes or a format in lower case as
/// its suffix.
fn own_route(path: &str) -> Option<Endpoint> {
    let (name, suffix) = without_suffix(path.trim_end_matches('/'));
    // A suffix must be at the very end.
    let is_slash_after_suffix = suffix.is_some() && path.ends_with('/');
    (name.eq_ignore_ascii_case(ROUTE) && !is_slash_after_suffix)
        .then_some(Endpoint::Route { suffix })
}

/// Matches `auth`, `auth/{provider}` and the same with `authenticate`, in any case, with trailing
/// slashes or a format in lower case as the suffix.
fn authenticate_route(path: &str) -> Option<(Endpoint, Option<String>)> {
    let (path, suffix) = without_suffix(path.trim_end_matches('/'));
    let (name, provider) = match path.split_once('/') {
        Some((name, provider)) => (name, Some(provider)),
        None => (path, None),
    };
    let is_name = ["auth", "authenticate"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name));
    let is_one_segment = !provider.is_some_and(|provider| provider.contains('/'));
    (is_name && is_one_segment).then(|| (Endpoint::Route { suffix }, provider.map(str::to_owned)))
}

/// Splits off a suffix that names a format, if there is one.
fn without_suffix(path: &str) -> (&str, Option<Format>) {
    let with_format = path.rsplit_once('.').and_then(|(path, suffix)| {
        let format = Format::ALL.into_iter().find(|f| f.name() == suffix)?;
        Some((path, Some(format)))
    });
    with_format.unwrap_or((path, None))
}

/// The SOAP version of the paths `soap11` and `soap12`, in any case.
fn soap_version(path: &str) -> Option<Version> {
    Version::ALL
        .into_iter()
        .find(|version| soap_path(*version).eq_ignore_ascii_case(path))
}

fn is_api(path: &str) -> bool {
    let first = path.split('/').next();
    first.is_some_and(|first| first.eq_ignore_ascii_case("api"))
}

/// Matches `{format}/reply/{operation}` and its alias `api/{operation}`, which current ServiceStack
/// clients use. Returns the format and the operation.
fn predefined_route(path: &str) -> Option<(Format, &str)> {
    let (first, rest) = path.split_once('/')?;
    if is_api(path) {
        return Some((Format::Json, rest));
    }
    let format = Format::from_name(first)?;
    let (action, operation) = match rest.split_once('/') {
        // Without an operation, the action with its slash counts as the operation (cases
        // routing/predef-no-op, -slash).
        Some((action, "")) => (action, rest),
        Some((action, operation)) => (action, operation.trim_start_matches('/')),
        None => (rest, rest),
    };
    let is_action = ["reply", "oneway"]
        .into_iter()
        .any(|known| action.eq_ignore_ascii_case(known));
    is_action.then_some((format, operation))
}
