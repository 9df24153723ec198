//! Encoding of results and rejections, byte for byte as the legacy server sent them.

use askama::Template;
use http::{HeaderValue, Method, Response, StatusCode, header};
use shared::http::{PagePolicy, page};
use shared::lambda::Request;
use xml::escape_text;
use xml::soap::{self, Fault, FaultCode, Version};

use super::call::{Binding, NAMESPACE};
use super::content_type::guessed_version;
use super::protocols::Protocols;
use super::rejection::Rejection;
use crate::operation::{Accepted, Error};

const RESULT: &str =
    "If the username is on file, a new password has been sent to its e-mail address.";

/// The Cache-Control of ASP.NET for responses with status 200.
const CACHE_SUCCESS: HeaderValue = HeaderValue::from_static("private, max-age=0");
/// The Cache-Control of ASP.NET for all other responses.
const CACHE_ERROR: HeaderValue = HeaderValue::from_static("private");

pub(super) const XML: &str = "text/xml; charset=utf-8";

impl Rejection {
    /// Encodes the response to a refused request.
    #[must_use]
    pub fn encode(&self) -> Response<String> {
        match self {
            Self::Fault(version, fault) => soap_fault(*version, fault),
            Self::VersionMismatch {
                namespace,
                supported,
            } => version_mismatch(namespace, supported),
            Self::BadRequest(version) => empty(StatusCode::BAD_REQUEST, *version),
            Self::UnsupportedMediaType(version) => {
                empty(StatusCode::UNSUPPORTED_MEDIA_TYPE, *version)
            }
            Self::Text(message) => text_error(message),
            Self::UnrecognizedUrl(ending) => {
                let message = format!(
                    "Request format is unrecognized for URL unexpectedly ending in '{ending}'."
                );
                page_error(StatusCode::INTERNAL_SERVER_ERROR, &message)
            }
            Self::MethodNotAllowed => {
                let message = "Request format is unrecognized.";
                let mut response = page_error(StatusCode::METHOD_NOT_ALLOWED, message);
                let allow = HeaderValue::from_static("GET, POST");
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
            Self::QueryTooLong => page_error(
                StatusCode::BAD_REQUEST,
                "The length of the query string for this request exceeds the configured \
                 maxQueryStringLength value.",
            ),
            Self::NotFound => page_error(StatusCode::NOT_FOUND, "The resource cannot be found."),
        }
    }
}

/// Encodes the response to a call.
#[must_use]
pub fn encode(binding: Binding, result: &Result<Accepted, Error>) -> Response<String> {
    match (binding, result) {
        (Binding::Soap(version), Ok(Accepted)) => {
            let body = [
                "<ResetUserPasswordResponse xmlns=\"",
                NAMESPACE,
                "\"><ResetUserPasswordResult>",
                RESULT,
                "</ResetUserPasswordResult></ResetUserPasswordResponse>",
            ]
            .concat();
            success(content_type(version), soap::encode_envelope(version, &body))
        }
        (Binding::HttpGet | Binding::HttpPost, Ok(Accepted)) => success(
            XML,
            format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n\
                 <string xmlns=\"{NAMESPACE}\">{RESULT}</string>"
            ),
        ),
        (Binding::Soap(version), Err(error @ Error::UsernameRequired)) => {
            soap_fault(version, &Fault::new(FaultCode::Sender, error.to_string()))
        }
        (Binding::HttpGet | Binding::HttpPost, Err(error @ Error::UsernameRequired)) => {
            text_error(&error.to_string())
        }
    }
}

/// Encodes the response to a request whose handler panicked: the server fault of the binding that
/// the request seems to use.
#[must_use]
pub fn server_fault(request: &Request) -> Response<String> {
    const MESSAGE: &str = "Server was unable to process request.";
    let is_soap = request.method == Method::POST && request.path.ends_with(['x', 'X']);
    if is_soap {
        let fault = Fault::new(FaultCode::Receiver, MESSAGE);
        soap_fault(guessed_version(Protocols::ALL, request), &fault)
    } else {
        text_error(MESSAGE)
    }
}

/// Makes a response with status 200.
pub(super) fn success(content_type: &'static str, body: String) -> Response<String> {
    with_cache_control(response(StatusCode::OK, content_type, body), CACHE_SUCCESS)
}

/// Makes a page with status 200.
pub(super) fn success_page(template: &impl Template) -> Response<String> {
    with_cache_control(page(template, PagePolicy::Form), CACHE_SUCCESS)
}

const fn content_type(version: Version) -> &'static str {
    match version {
        Version::V11 => XML,
        Version::V12 => "application/soap+xml; charset=utf-8",
    }
}

/// Makes a fault in the first enabled version, which is SOAP 1.1 if both are enabled.
fn version_mismatch(namespace: &str, supported: &[Version]) -> Response<String> {
    let version = supported.first().copied().unwrap_or(Version::V11);
    let reason = format!(
        "Possible SOAP version mismatch: Envelope namespace {namespace} was unexpected. Expecting \
         {}.",
        version.namespace()
    );
    let body = soap::encode_version_mismatch(version, &reason, supported);
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        content_type(version),
        body,
    )
}

fn soap_fault(version: Version, fault: &Fault) -> Response<String> {
    let body = soap::encode_fault(version, fault);
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        content_type(version),
        body,
    )
}

fn empty(status: StatusCode, version: Version) -> Response<String> {
    error(status, content_type(version), String::new())
}

/// Makes an error in lines of text. It may quote the caller's input, so browsers must not treat it
/// as another type (Fetch Standard, `X-Content-Type-Options`).
fn text_error(message: &str) -> Response<String> {
    let mut response = error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "text/plain; charset=utf-8",
        format!("{message}\r\n"),
    );
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: StatusCode,
    /// The message as HTML.
    message: String,
}

/// Makes a short HTML page for people. Programs read the status.
fn page_error(status: StatusCode, message: &str) -> Response<String> {
    let mut markup = String::with_capacity(message.len());
    escape_text(message, &mut markup);
    let message = markup;
    let mut response = page(&ErrorPage { status, message }, PagePolicy::Plain);
    *response.status_mut() = status;
    with_cache_control(response, CACHE_ERROR)
}

fn error(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    with_cache_control(response(status, content_type, body), CACHE_ERROR)
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    response
}

fn with_cache_control(mut response: Response<String>, value: HeaderValue) -> Response<String> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, value);
    response
}
