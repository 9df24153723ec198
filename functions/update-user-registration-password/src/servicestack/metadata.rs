//! The metadata pages, which describe the service: the list of its operations, and the operations
//! in each format.

use askama::Template;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use shared::http::PagePolicy;
use shared::lambda::Request;
use xml::soap::Version;

use super::authenticate_description::AUTHENTICATE_OPERATION;
use super::description::{Operation, PageFormat, Sample, UPDATE_PASSWORD};
use super::format::query_value;
use super::plain;

/// ServiceStack's own types.
const TYPES: &str = concat!(
    include_str!("assets/schemas/types/before.xsd"),
    include_str!("assets/schemas/types/authenticate.xsd"),
    include_str!("assets/schemas/types/response-status.xsd"),
    include_str!("assets/schemas/types/authenticate-response.xsd"),
    include_str!("assets/schemas/types/after.xsd"),
);

/// ServiceStack's own types, without those of `Authenticate`.
const TYPES_WITHOUT_SESSIONS: &str = concat!(
    include_str!("assets/schemas/types/before.xsd"),
    include_str!("assets/schemas/types/response-status.xsd"),
    include_str!("assets/schemas/types/after.xsd"),
);

/// The operations, in alphabetical order.
static OPERATIONS: [&Operation; 2] = [&AUTHENTICATE_OPERATION, &UPDATE_PASSWORD];

/// The operations of a service with or without sessions.
pub(super) fn operations(sessions: bool) -> &'static [&'static Operation] {
    let [_, without_sessions @ ..] = &OPERATIONS;
    if sessions {
        &OPERATIONS
    } else {
        without_sessions
    }
}

/// A metadata page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `/`, which redirects to the list of operations.
    Root,
    /// The list of operations.
    Operations(&'static [&'static Operation]),
    /// An operation, in a format.
    Operation(&'static Operation, PageFormat),
    /// The WSDL of the operations in a version of SOAP.
    Wsdl(Version, &'static [&'static Operation]),
    /// The XML Schema of a namespace.
    Schema(&'static str),
    /// An empty page, because the operation's name is in the wrong case.
    Misspelt,
    /// An empty page, because there is no operation with this name.
    Forbidden,
}

/// The schemas of the data contracts of the operations, in the order in which the original numbers
/// them.
fn schemas(operations: &[&Operation]) -> [&'static str; 5] {
    let sessions = operations.contains(&&AUTHENTICATE_OPERATION);
    [
        include_str!("assets/schemas/serialization.xsd"),
        include_str!("assets/schemas/dto.xsd"),
        include_str!("assets/schemas/interfaces.xsd"),
        if sessions {
            TYPES
        } else {
            TYPES_WITHOUT_SESSIONS
        },
        include_str!("assets/schemas/arrays.xsd"),
    ]
}

/// Finds the page at a path without its leading slash.
pub(super) fn page(path: &str, request: &Request, sessions: bool) -> Option<Page> {
    let operations = operations(sessions);
    let format = match path.split_once('/') {
        None if path.is_empty() => return Some(Page::Root),
        None if path.eq_ignore_ascii_case("metadata") => {
            let schema = schema(request, operations);
            return Some(schema.map_or(Page::Operations(operations), Page::Schema));
        }
        Some((format, page)) if page.eq_ignore_ascii_case("metadata") => format,
        _ => return None,
    };
    let format = PageFormat::ALL
        .into_iter()
        .find(|f| f.name().eq_ignore_ascii_case(format))?;
    let Some(name) = query_value(request, "op") else {
        return Some(Page::Operations(operations));
    };
    let named = operations
        .iter()
        .find(|operation| operation.name.eq_ignore_ascii_case(&name));
    Some(match named {
        Some(operation) if operation.name == name => Page::Operation(operation, format),
        Some(_) => Page::Misspelt,
        None => Page::Forbidden,
    })
}

/// The schema with the number in `?xsd=`.
fn schema(request: &Request, operations: &[&Operation]) -> Option<&'static str> {
    let number: usize = query_value(request, "xsd")?.parse().ok()?;
    schemas(operations).get(number).copied()
}

/// The path of a version's endpoint, without its leading slash.
pub(super) const fn soap_path(version: Version) -> &'static str {
    PageFormat::Soap(version).name()
}

/// The WSDL 1.1 description of the operations. Its messages are the elements of the DTOs. The
/// original's were in a namespace that no schema declared, so no tool could use them.
#[derive(Template)]
#[template(path = "registrar.wsdl.xml")]
struct Wsdl<'a> {
    name: &'static str,
    binding: &'static str,
    /// The prefix of the extension elements.
    soap: &'static str,
    service: &'a str,
    path: &'static str,
    schemas: [&'static str; 5],
    operations: &'static [&'static Operation],
}

impl<'a> Wsdl<'a> {
    fn new(version: Version, service: &'a str, operations: &'static [&'static Operation]) -> Self {
        let (name, binding, soap) = match version {
            Version::V11 => ("Soap11", "BasicHttpBinding_ISyncReply", "soap"),
            Version::V12 => ("Soap12", "WSHttpBinding_ISyncReply", "soap12"),
        };
        Self {
            name,
            binding,
            soap,
            service,
            path: soap_path(version),
            schemas: schemas(operations),
            operations,
        }
    }
}

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage<'a> {
    base: &'a str,
    formats: [PageFormat; 6],
    operations: &'static [&'static Operation],
}

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage<'a> {
    base: &'a str,
    host: &'a str,
    format: PageFormat,
    operation: &'static Operation,
    sample: Sample,
}

impl Page {
    /// Writes the response.
    #[must_use]
    pub fn encode(self, request: &Request) -> Response<String> {
        let url = service_url(request);
        let (_, service) = url.split_once("://").unwrap_or(("", &url));
        // The host, and the stage that a gateway adds to every path.
        let (host, base) = service.split_at(service.find('/').unwrap_or(service.len()));
        let host = without_port(host);
        match self {
            Self::Root => redirect(&format!("{url}/metadata")),
            Self::Operations(operations) => page_of(&OperationsPage {
                base,
                formats: PageFormat::ALL,
                operations,
            }),
            Self::Operation(operation, format) => page_of(&OperationPage {
                base,
                host,
                format,
                operation,
                sample: format.sample(&operation.samples),
            }),
            Self::Wsdl(version, operations) => {
                let wsdl = Wsdl::new(version, &url, operations);
                xml(wsdl.render().unwrap_or_default())
            }
            // The original's XML declaration and ending.
            Self::Schema(schema) => xml(format!("<?xml version=\"1.0\"?>\n{}", schema.trim_end())),
            Self::Misspelt => plain::empty_page(StatusCode::OK),
            Self::Forbidden => plain::empty_page(StatusCode::FORBIDDEN),
        }
    }
}

fn page_of(template: &impl Template) -> Response<String> {
    shared::http::page(template, PagePolicy::Styled)
}

/// The host without its port, as on the original's pages.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The URL of the service, without the request's own path.
fn service_url(request: &Request) -> String {
    let url = request.url();
    url.strip_suffix(&request.path).unwrap_or(&url).to_owned()
}

fn xml(body: String) -> Response<String> {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("text/xml");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn redirect(url: &str) -> Response<String> {
    let mut response = plain::text_page(StatusCode::FOUND, "");
    if let Ok(location) = HeaderValue::try_from(url) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_show_a_host_without_its_port() {
        for (host, shown) in [
            ("api.example.com", "api.example.com"),
            ("api.example.com:8443", "api.example.com"),
            ("[2001:db8::a]", "[2001:db8::a]"),
            ("[2001:db8::a]:8443", "[2001:db8::a]"),
        ] {
            assert_eq!(without_port(host), shown);
        }
    }
}
