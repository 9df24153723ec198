//! The service description: WSDL, DISCO and HTML pages.

use std::fmt;

use askama::Template;
use http::Response;
use shared::lambda::Request;
use xml::escape_attribute;

use super::protocols::Protocols;
use super::response::{XML, success, success_page};

/// A document that describes the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// `?WSDL`: the service description (WSDL 1.1).
    Wsdl,
    /// `?disco`: the discovery document, which points to the WSDL and the SOAP addresses.
    Disco,
    /// The list of operations.
    Operations,
    /// `?op=ResetUserPassword`: a form that calls the operation, and sample messages.
    Operation,
    /// `?op=` with another name.
    UnknownOperation(String),
}

#[derive(Template)]
#[template(path = "IFCommonService.wsdl")]
struct Wsdl<'a> {
    protocols: Protocols,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "IFCommonService.disco")]
struct Disco<'a> {
    protocols: Protocols,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage;

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

/// The escaper for WSDL and DISCO, whose values are all in attributes.
#[derive(Clone, Copy)]
struct AttributeEscaper;

impl askama::filters::Escaper for AttributeEscaper {
    fn write_escaped_str<W: fmt::Write>(&self, mut out: W, text: &str) -> fmt::Result {
        let mut escaped = String::with_capacity(text.len());
        escape_attribute(text, &mut escaped);
        out.write_str(&escaped)
    }
}

impl Page {
    /// Returns the response to a request for this page. It describes the enabled protocols, at the
    /// URL of the request.
    #[must_use]
    pub fn encode(&self, protocols: Protocols, request: &Request) -> Response<String> {
        let url = &*request.url();
        match self {
            Self::Wsdl => document(&Wsdl { protocols, url }),
            Self::Disco => document(&Disco { protocols, url }),
            Self::Operations => success_page(&OperationsPage),
            Self::Operation => success_page(&OperationPage {
                protocols,
                url,
                host: &request.host(),
                path: &format!("{}{}", request.base_path(), request.path),
            }),
            Self::UnknownOperation(name) => success_page(&UnknownOperationPage { name }),
        }
    }
}

fn document(template: &impl Template) -> Response<String> {
    // Rendering into a String cannot fail.
    success(XML, template.render().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use xml::{Node, Reader};

    use super::*;

    fn documents(names: &str) -> (String, String) {
        let protocols = names.parse().unwrap();
        let url = "https://example.com/a\"<b>&c";
        let wsdl = Wsdl { protocols, url }.render().unwrap();
        let disco = Disco { protocols, url }.render().unwrap();
        for document in [&wsdl, &disco] {
            let mut reader = Reader::new(document);
            while reader.next_node().unwrap() != Node::Eof {}
            assert!(document.lines().all(|line| !line.trim().is_empty()));
            assert_eq!(
                document.matches('\n').count(),
                document.matches("\r\n").count()
            );
        }
        (wsdl, disco)
    }

    #[test]
    fn disabled_protocols_are_not_described() {
        let (wsdl, disco) = documents("Soap");
        assert!(wsdl.contains("<wsdl:port name=\"IFCommonServiceSoap\""));
        for gone in ["Soap12\"", "HttpGet", "HttpPost", "name=\"string\""] {
            assert!(!wsdl.contains(gone), "{gone}");
        }
        assert!(disco.contains("q1:") && !disco.contains("q2:"));

        let (wsdl, disco) = documents("Soap12");
        assert!(wsdl.contains("<wsdl:port name=\"IFCommonServiceSoap12\""));
        assert!(wsdl.contains("portType name=\"IFCommonServiceSoap\""));
        assert!(!wsdl.contains("port name=\"IFCommonServiceSoap\""));
        assert!(disco.contains("q2:") && !disco.contains("q1:"));

        let (wsdl, disco) = documents("HttpPost");
        for gone in [
            "SoapIn",
            "portType name=\"IFCommonServiceSoap",
            "HttpGet",
            "<soap",
            "name=\"ResetUserPasswordResponse\"",
        ] {
            assert!(!wsdl.contains(gone), "{gone}");
        }
        assert!(wsdl.contains("name=\"string\"") && wsdl.contains("IFCommonServiceHttpPost"));
        assert!(!disco.contains("<soap"));

        let (wsdl, _) = documents("HttpGet");
        assert!(wsdl.contains("name=\"string\"") && wsdl.contains("IFCommonServiceHttpGet"));
        assert!(!wsdl.contains("HttpPost"));
    }

    #[test]
    fn the_address_is_escaped() {
        let (wsdl, disco) = documents("Soap");
        for document in [wsdl, disco] {
            assert!(document.contains("=\"https://example.com/a&quot;&lt;b&gt;&amp;c"));
        }
    }
}
