//! The service describing itself: WSDL, DISCO, and pages for people.

use askama::Template;
use http::{Response, header};
use xml::escape_attribute;

use super::Protocols;
use super::response::{HTML, XML, success};

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
    Wsdl(Protocols),
    /// `?disco`
    Disco(Protocols),
    /// The list of operations.
    ServicePage,
    /// `?op=ResetUserPassword`: a form to try it, and samples.
    OperationPage(Protocols),
    /// `?op=` with any other name.
    UnknownOperationPage(String),
}

#[derive(Template)]
#[template(path = "service.html")]
struct ServicePage;

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage<'a> {
    protocols: Protocols,
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
            Self::Wsdl(protocols) => success(XML, addressed(&wsdl(*protocols), url)),
            Self::Disco(protocols) => success(XML, addressed(&disco(*protocols), url)),
            Self::ServicePage => page(&ServicePage),
            Self::OperationPage(protocols) => {
                let (_, after_scheme) = url.split_once("://").unwrap_or(("", url));
                let slash = after_scheme.find('/').unwrap_or(after_scheme.len());
                let (host, path) = after_scheme.split_at(slash);
                page(&OperationPage {
                    protocols: *protocols,
                    url,
                    host,
                    path,
                })
            }
            Self::UnknownOperationPage(name) => page(&UnknownOperationPage { name }),
        }
    }
}

/// The WSDL without what belongs to protocols that are off.
fn wsdl(protocols: Protocols) -> String {
    let Protocols {
        http_get,
        http_post,
        soap11,
        soap12,
        ..
    } = protocols;
    without(
        WSDL,
        &[
            (soap11, "binding name=\"IFCommonServiceSoap\""),
            (soap11, "port name=\"IFCommonServiceSoap\""),
            (soap12, "binding name=\"IFCommonServiceSoap12\""),
            (soap12, "port name=\"IFCommonServiceSoap12\""),
            (soap11 || soap12, "message name=\"ResetUserPasswordSoap"),
            (soap11 || soap12, "portType name=\"IFCommonServiceSoap\""),
            (soap11 || soap12, "element name=\"ResetUserPassword"),
            (http_get, "name=\"ResetUserPasswordHttpGet"),
            (http_get, "name=\"IFCommonServiceHttpGet\""),
            (http_post, "name=\"ResetUserPasswordHttpPost"),
            (http_post, "name=\"IFCommonServiceHttpPost\""),
            (http_get || http_post, "element name=\"string\""),
        ],
    )
}

fn disco(protocols: Protocols) -> String {
    let soap11 = (protocols.soap11, "binding=\"q1:IFCommonServiceSoap\"");
    let soap12 = (protocols.soap12, "binding=\"q2:IFCommonServiceSoap12\"");
    without(DISCO, &[soap11, soap12])
}

/// The document without the elements whose start tag contains the text of a part that is off. It
/// is indented, so an element ends on its own line or on the next with the same indentation.
fn without(document: &str, parts: &[(bool, &str)]) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut kept = String::with_capacity(document.len());
    let mut skipping: Option<usize> = None;
    for line in document.split_inclusive('\n') {
        if let Some(depth) = skipping {
            if indentation(line) == depth {
                skipping = None;
            }
            continue;
        }
        if parts
            .iter()
            .any(|(is_on, text)| !is_on && line.contains(text))
        {
            if !line.contains("/>") {
                skipping = Some(indentation(line));
            }
            continue;
        }
        kept.push_str(line);
    }
    kept
}

fn addressed(document: &str, url: &str) -> String {
    let mut escaped = String::with_capacity(url.len());
    escape_attribute(url, &mut escaped);
    document.replace(URL_PLACEHOLDER, &escaped)
}

fn page(template: &impl Template) -> Response<String> {
    // The templates only write to a String.
    let mut response = success(HTML, template.render().unwrap_or_default());
    let policy = header::HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &str) -> (String, String) {
        let protocols = names.parse().unwrap();
        let (wsdl, disco) = (wsdl(protocols), disco(protocols));
        for document in [&wsdl, &disco] {
            let mut reader = xml::Reader::new(document);
            while reader.next_node().unwrap() != xml::Node::Eof {}
        }
        (wsdl, disco)
    }

    #[test]
    fn all_protocols_are_the_documents_as_they_are() {
        assert_eq!(wsdl(Protocols::ALL), WSDL);
        assert_eq!(disco(Protocols::ALL), DISCO);
    }

    #[test]
    fn what_is_off_is_not_described() {
        let (wsdl, disco) = only("Soap");
        assert!(wsdl.contains("<wsdl:port name=\"IFCommonServiceSoap\""));
        for gone in ["Soap12\"", "HttpGet", "HttpPost", "name=\"string\""] {
            assert!(!wsdl.contains(gone), "{gone}");
        }
        assert!(disco.contains("q1:") && !disco.contains("q2:"));

        let (wsdl, disco) = only("HttpPost");
        for gone in [
            "SoapIn",
            "portType name=\"IFCommonServiceSoap",
            "HttpGet",
            "<soap",
        ] {
            assert!(!wsdl.contains(gone), "{gone}");
        }
        assert!(wsdl.contains("name=\"string\"") && wsdl.contains("IFCommonServiceHttpPost"));
        assert!(!disco.contains("<soap"));
    }
}
