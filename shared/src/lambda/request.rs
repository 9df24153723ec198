//! HTTP requests, independent of the kind of gateway.

use std::borrow::Cow;

use http::{HeaderMap, Method, header};
use lambda_http::{Body, RequestExt as _, request::RequestContext};

use crate::front_door::{Bypassed, FrontDoor};

/// The maximum length of path, query and headers together, in bytes: the limit of HTTP.sys on the
/// legacy servers (`MaxRequestBytes`). API Gateway passes on 10,240 bytes plus the headers that it
/// adds.
pub const MAX_HEAD: usize = 16 * 1024;

/// The source of all requests whose address the front door did not report.
const UNKNOWN_SOURCE: &str = "unknown";

/// An HTTP request.
#[derive(Clone)]
pub struct Request {
    /// The verb, as sent.
    pub method: Method,
    /// The path as passed on by the gateway, percent-encoded or not, without the stage.
    pub path: String,
    /// The query, percent-encoded, without the question mark.
    pub query: String,
    /// Whether the query is exactly as sent. A REST API passes on names and values, so `?a` and
    /// `?a=` both arrive as `a=`.
    pub is_query_verbatim: bool,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decoded if the gateway encoded it.
    pub body: Vec<u8>,
    /// The caller's address, as seen by the front door if there is one, else by the gateway. It
    /// never comes from a header that the caller can set.
    pub source: String,
    /// The identifier of this invocation, as in the logs.
    pub request_id: String,
    /// `http` or `https`, determined in the same way as [`Request::source`].
    scheme: &'static str,
    /// See [`Request::base_path`].
    base_path: String,
    /// The gateway's domain name, for requests without a Host header.
    domain_name: String,
}

impl std::fmt::Debug for Request {
    /// Omits the query, the headers and the body, which may contain credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// Makes a request that did not come through a gateway. `target` is a path with or without a
    /// query (RFC 9112 section 3.2.1).
    #[must_use]
    pub fn new(method: Method, target: &str, headers: HeaderMap, body: Vec<u8>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            is_query_verbatim: true,
            headers,
            body,
            source: String::new(),
            request_id: String::new(),
            scheme: "https",
            base_path: String::new(),
            domain_name: String::new(),
        }
    }

    /// The value of a header. Bytes that are not UTF-8 become U+FFFD. Several headers with the same
    /// name are joined by a comma, as the gateway does (RFC 9110 section 5.3).
    #[must_use]
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<Cow<'_, str>> {
        let mut values = self
            .headers
            .get_all(name)
            .iter()
            .map(|v| String::from_utf8_lossy(v.as_bytes()));
        let first = values.next()?;
        Some(values.fold(first, |joined, value| {
            Cow::Owned(format!("{joined},{value}"))
        }))
    }

    /// The URL the caller used, without the query.
    ///
    /// It contains the Host header, which the caller controls. Use it only in an answer to the
    /// caller, or to compare it with `Origin`: a browser sets both headers, and no page can change
    /// either.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.base_url(), self.path)
    }

    /// The URL that [`Request::path`] is relative to, without a slash at its end: the scheme,
    /// [`Request::host`] and [`Request::base_path`].
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host(), self.base_path)
    }

    /// The Host header, or the gateway's domain name if there is none.
    #[must_use]
    pub fn host(&self) -> Cow<'_, str> {
        self.header(header::HOST)
            .filter(|host| !host.is_empty())
            .unwrap_or(Cow::Borrowed(&self.domain_name))
    }

    /// The part of the caller's path that the gateway leaves out of [`Request::path`]: `/` and a
    /// named stage, or nothing.
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// The length of the path, the query and the headers together, in bytes.
    pub(super) fn head_length(&self) -> usize {
        let headers = self.headers.iter();
        let fields = headers.map(|(name, value)| name.as_str().len() + value.len());
        self.path.len() + self.query.len() + fields.sum::<usize>()
    }

    /// Takes the source and the scheme from the front door, if there is one, and removes the
    /// headers that only a front door may send.
    ///
    /// A viewer whose address cannot be read is still served, since CloudFront wrote the address,
    /// not the viewer. All such viewers share the rate limits of one source.
    pub(super) fn admitted(mut self, front_door: &FrontDoor) -> Result<Self, Bypassed> {
        let Some(viewer) = front_door.admit(&mut self.headers)? else {
            return Ok(self);
        };
        self.scheme = viewer.scheme;
        self.source = if let Some(address) = viewer.address {
            address.to_string()
        } else {
            tracing::warn!(
                request_id = %self.request_id,
                event = "front_door.viewer_unknown",
                "the header CloudFront-Viewer-Address is missing or malformed"
            );
            UNKNOWN_SOURCE.to_owned()
        };
        Ok(self)
    }

    pub(super) fn without_body(&self) -> Self {
        Self {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            is_query_verbatim: self.is_query_verbatim,
            headers: self.headers.clone(),
            body: Vec::new(),
            source: self.source.clone(),
            request_id: self.request_id.clone(),
            scheme: self.scheme,
            base_path: self.base_path.clone(),
            domain_name: self.domain_name.clone(),
        }
    }
}

impl From<lambda_http::Request> for Request {
    fn from(request: lambda_http::Request) -> Self {
        let raw_path = request.raw_http_path().to_owned();
        let request_id = request
            .lambda_context_ref()
            .map(|context| context.request_id.clone())
            .unwrap_or_default();
        let is_query_verbatim = !matches!(
            request.request_context_ref(),
            Some(RequestContext::ApiGatewayV1(_))
        );
        let (source, domain_name, stage) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => (
                context.http.source_ip.clone(),
                context.domain_name.clone(),
                context.stage.clone(),
            ),
            Some(RequestContext::ApiGatewayV1(context)) => (
                context.identity.source_ip.clone(),
                context.domain_name.clone(),
                None,
            ),
            _ => (None, None, None),
        };
        // HTTP APIs leave a named stage in the path; REST APIs do not.
        let base_path = stage
            .filter(|stage| stage != "$default")
            .map(|stage| format!("/{stage}"))
            .filter(|prefix| {
                raw_path
                    .strip_prefix(prefix.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
            .unwrap_or_default();
        let path = raw_path
            .strip_prefix(&base_path)
            .unwrap_or(&raw_path)
            .to_owned();
        let (parts, body) = request.into_parts();
        // The gateway overwrites what the caller sent.
        let scheme = match parts.headers.get("x-forwarded-proto") {
            Some(scheme) if scheme == "http" => "http",
            _ => "https",
        };
        Self {
            method: parts.method,
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            is_query_verbatim,
            headers: parts.headers,
            body: match body {
                Body::Text(text) => text.into_bytes(),
                Body::Binary(bytes) => bytes,
                _ => Vec::new(),
            },
            source: source.unwrap_or_default(),
            request_id,
            scheme,
            base_path,
            domain_name: domain_name.unwrap_or_default(),
        }
    }
}
