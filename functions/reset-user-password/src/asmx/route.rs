//! Which part of the service a request is for: by verb and by what follows `.asmx` in the path.

use http::Method;
use percent_encoding::percent_decode_str;
use shared::lambda::Request;

use super::description::Document;
use super::form;
use super::request::guessed_version;
use super::response::{Rejection, html_encode};
use super::{Binding, OPERATION, Protocols};

const SERVICE_PATH: &str = "/webservices/IFCommonService.asmx";
/// Where the operation is called by HTTP GET.
pub(crate) const HTTP_GET_PATH: &str = "/webservices/IFCommonService.asmx/ResetUserPassword";
/// ASP.NET 4's `maxQueryStringLength`.
const MAX_QUERY: usize = 2_048;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A call of the operation.
    Call(Binding),
    /// A description of the service.
    Document(Document),
    /// Neither.
    Refused(Rejection),
}

/// Finds it. The service's path is found in any case, the operation's name only in its own.
#[must_use]
pub fn route(protocols: Protocols, request: &Request) -> Endpoint {
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let Some(path_info) = path_info(&path) else {
        return Endpoint::Refused(Rejection::NotFound);
    };
    if request.query.len() > MAX_QUERY {
        return Endpoint::Refused(Rejection::QueryTooLong);
    }
    let (binding, is_on) = match request.method {
        Method::GET => (Binding::HttpGet, protocols.http_get),
        Method::POST => (Binding::HttpPost, protocols.http_post),
        _ => return Endpoint::Refused(Rejection::MethodNotAllowed),
    };
    match (path_info, binding) {
        ("", Binding::HttpGet) if protocols.documentation => document(protocols, &request.query),
        ("", Binding::HttpPost) if !protocols.soap().is_empty() => {
            Endpoint::Call(Binding::Soap(guessed_version(protocols, request)))
        }
        ("", _) => Endpoint::Refused(Rejection::MethodNotAllowed),
        (path_info, _) if path_info == "/" || !is_on => {
            Endpoint::Refused(Rejection::UnrecognizedUrl(path_info.to_owned()))
        }
        (path_info, binding) => match check_name(path_info.get(1..).unwrap_or_default()) {
            None => Endpoint::Call(binding),
            Some(message) => Endpoint::Refused(Rejection::Text(message)),
        },
    }
}

/// What follows the service's file in the path, or nothing when it is another file.
fn path_info(path: &str) -> Option<&str> {
    let (file, path_info) = path.split_at_checked(SERVICE_PATH.len())?;
    let is_service = file.eq_ignore_ascii_case(SERVICE_PATH);
    (is_service && (path_info.is_empty() || path_info.starts_with('/'))).then_some(path_info)
}

/// What is wrong with the name of an operation, if anything.
fn check_name(name: &str) -> Option<String> {
    if name == OPERATION {
        None
    } else if name.eq_ignore_ascii_case(OPERATION) {
        // Two and three spaces, as the legacy server has them (case get.path.method-lower).
        Some(format!(
            "Invalid method name &#39;{name}&#39;,  method names are case sensitive.   The method \
             name &#39;{OPERATION}&#39; with the same name but different casing was found.\r\n\
             Parameter name: methodName"
        ))
    } else {
        Some(format!(
            "{} Web Service method name is not valid.",
            html_encode(name)
        ))
    }
}

/// In the order in which the .NET Framework's `DiscoveryServerProtocol` looks.
fn document(protocols: Protocols, query: &str) -> Endpoint {
    let pairs = form::decode(query.as_bytes(), None);
    let not_found = |message: &str| Endpoint::Refused(Rejection::Text(message.to_owned()));
    let word = form::nameless(&pairs).unwrap_or_default();
    if form::value(&pairs, "schema").is_some() {
        not_found("Schema not found.")
    } else if form::value(&pairs, "wsdl").is_some() {
        not_found("XML Web service description was not found.")
    } else if word.eq_ignore_ascii_case("wsdl") {
        Endpoint::Document(Document::Wsdl(protocols))
    } else if word.eq_ignore_ascii_case("disco") {
        Endpoint::Document(Document::Disco(protocols))
    } else {
        Endpoint::Document(match form::value(&pairs, "op") {
            Some(name) if name == OPERATION => Document::OperationPage(protocols),
            Some(name) => Document::UnknownOperationPage(name),
            None => Document::ServicePage,
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn get(query: &str) -> Endpoint {
        let request = Request::new(Method::GET, SERVICE_PATH, query, HeaderMap::new(), vec![]);
        route(Protocols::ALL, &request)
    }

    fn not_found(message: &str) -> Endpoint {
        Endpoint::Refused(Rejection::Text(message.to_owned()))
    }

    #[test]
    fn a_word_in_the_query_asks_for_a_document() {
        let wsdl = Endpoint::Document(Document::Wsdl(Protocols::ALL));
        for query in ["WsDl", "wsdl&foo=1", "foo=1&wsdl", "%57sdl", "wsdl&op=x"] {
            assert_eq!(get(query), wsdl, "{query}");
        }
        // Several words are one, joined by commas.
        for query in ["wsdl&disco", "wsdl&wsdl", "wsdl&", "&disco"] {
            assert_eq!(
                get(query),
                Endpoint::Document(Document::ServicePage),
                "{query}"
            );
        }
    }

    #[test]
    fn a_schema_is_looked_for_before_a_description() {
        let schema = not_found("Schema not found.");
        assert_eq!(get("wsdl&schema=1"), schema);
        assert_eq!(get("wsdl=1&SCHEMA="), schema);
        let description = not_found("XML Web service description was not found.");
        assert_eq!(get("disco&wsdl="), description);
    }
}
