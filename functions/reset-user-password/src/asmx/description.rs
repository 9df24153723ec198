//! The service describing itself: WSDL, DISCO, and pages for people.

use askama::Template;
use http::{Response, header};
use shared::xml::escape_attribute;

use super::response::success;

const WSDL: &str = include_str!("assets/IFCommonService.wsdl");
const DISCO: &str = include_str!("assets/IFCommonService.disco");
/// Where the documents name the service's address.
const URL_PLACEHOLDER: &str = "{{url}}";

/// Styles stand in the page; nothing else is loaded, and nothing runs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                                       form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// `?WSDL`
    Wsdl,
    /// `?disco`
    Disco,
    /// The list of operations.
    ServicePage,
    /// `?op=ResetUserPassword`: a form to try it, and samples.
    OperationPage,
    /// `?op=` with any other name.
    UnknownOperationPage(String),
}

#[derive(Template)]
#[template(path = "service.html")]
struct ServicePage;

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage<'a> {
    url: &'a str,
    host: &'a str,
    path: &'a str,
}

#[derive(Template)]
#[template(path = "unknown_operation.html")]
struct UnknownOperationPage<'a> {
    name: &'a str,
}

impl Document {
    /// The response to a caller who used this URL.
    #[must_use]
    pub fn encode(&self, url: &str) -> Response<String> {
        match self {
            Self::Wsdl => success("text/xml", addressed(WSDL, url)),
            Self::Disco => success("text/xml", addressed(DISCO, url)),
            Self::ServicePage => page(&ServicePage),
            Self::OperationPage => {
                let (_, after_scheme) = url.split_once("://").unwrap_or(("", url));
                let slash = after_scheme.find('/').unwrap_or(after_scheme.len());
                let (host, path) = after_scheme.split_at(slash);
                page(&OperationPage { url, host, path })
            }
            Self::UnknownOperationPage(name) => page(&UnknownOperationPage { name }),
        }
    }
}

fn addressed(document: &str, url: &str) -> String {
    let mut escaped = String::with_capacity(url.len());
    escape_attribute(url, &mut escaped);
    document.replace(URL_PLACEHOLDER, &escaped)
}

fn page(template: &impl Template) -> Response<String> {
    // The templates only write to a String.
    let mut response = success("text/html", template.render().unwrap_or_default());
    let policy = header::HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
