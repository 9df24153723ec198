//! Results to the bytes the legacy server sent.

use http::{Method, Response, StatusCode, header};
use shared::lambda::Request;
use xml::escape_text;
use xml::soap::{self, Fault, FaultCode, Version};

use super::request::guessed_version;
use super::{Binding, NAMESPACE, Protocols};
use crate::operation::{Accepted, Error};

const RESULT: &str =
    "If the username is on file, a new password has been sent to its e-mail address.";

/// What ASP.NET set on everything that went well, and on everything else.
const CACHE_SUCCESS: &str = "private, max-age=0";
const CACHE_ERROR: &str = "private";

pub(super) const XML: &str = "text/xml; charset=utf-8";
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// A request refused before the operation ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// A SOAP fault.
    Fault(Version, Fault),
    /// An envelope of none of the versions that are on.
    VersionMismatch {
        /// The envelope's namespace.
        namespace: String,
        /// The versions that are on.
        supported: Vec<Version>,
    },
    /// A SOAP message that is no well-formed XML: 400 without a body.
    BadRequest(Version),
    /// A SOAP message of a content type that is none: 415 without a body.
    UnsupportedMediaType(Version),
    /// An error of HTTP GET and POST: 500 with one or more lines of text, already HTML-encoded.
    Text(String),
    /// The service's path with something behind it that is no call: a slash, or a call by a
    /// protocol that is off.
    UnrecognizedUrl(String),
    /// A verb other than GET and POST.
    MethodNotAllowed,
    /// A query longer than ASP.NET took.
    QueryTooLong,
    /// No such file.
    NotFound,
}

impl Rejection {
    /// The response.
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
                let mut response = page_error(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Request format is unrecognized.",
                );
                let allow = header::HeaderValue::from_static("GET, POST");
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

/// The response to a call.
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

/// What a caller sees of a bug: the server fault of the binding its request looks like.
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

/// A document in the success form.
pub(super) fn success(content_type: &'static str, body: String) -> Response<String> {
    response(StatusCode::OK, content_type, CACHE_SUCCESS, body)
}

const fn content_type(version: Version) -> &'static str {
    match version {
        Version::V11 => XML,
        Version::V12 => "application/soap+xml; charset=utf-8",
    }
}

/// Written in the first version that is on, 1.1 when both are.
fn version_mismatch(namespace: &str, supported: &[Version]) -> Response<String> {
    let version = supported.first().copied().unwrap_or(Version::V11);
    let reason = format!(
        "Possible SOAP version mismatch: Envelope namespace {namespace} was unexpected. Expecting \
         {}.",
        version.namespace()
    );
    let body = soap::encode_version_mismatch(version, &reason, supported);
    response(
        StatusCode::INTERNAL_SERVER_ERROR,
        content_type(version),
        CACHE_ERROR,
        body,
    )
}

fn soap_fault(version: Version, fault: &Fault) -> Response<String> {
    let body = soap::encode_fault(version, fault);
    response(
        StatusCode::INTERNAL_SERVER_ERROR,
        content_type(version),
        CACHE_ERROR,
        body,
    )
}

fn empty(status: StatusCode, version: Version) -> Response<String> {
    response(status, content_type(version), CACHE_ERROR, String::new())
}

fn text_error(message: &str) -> Response<String> {
    let body = format!("{message}\r\n");
    response(
        StatusCode::INTERNAL_SERVER_ERROR,
        "text/plain; charset=utf-8",
        CACHE_ERROR,
        body,
    )
}

/// A short page for people; programs look at the status.
fn page_error(status: StatusCode, message: &str) -> Response<String> {
    let mut escaped = String::new();
    escape_text(message, &mut escaped);
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{status}</title>\n<main>\n<h1>{status}</h1>\n<p>{escaped}</p>\n</main>\n</html>\n"
    );
    let mut response = response(status, HTML, CACHE_ERROR, body);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    response
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    cache_control: &'static str,
    body: String,
) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static(cache_control),
    );
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    response
}

/// `HttpUtility.HtmlEncode` of the .NET Framework 4: markup, quotes, and U+00A0 to U+00FF.
pub(super) fn html_encode(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            '\u{A0}'..='\u{FF}' => format!("&#{};", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}
