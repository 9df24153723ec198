//! Routing by verb and by the path after `.asmx`, which ASP.NET calls `PathInfo`.

use http::Method;
use shared::http::decode_path;
use shared::lambda::Request;
use xml::Charset;

use super::call::{Binding, OPERATION};
use super::content_type::guessed_version;
use super::description::Page;
use super::form;
use super::html::html_encode;
use super::protocols::Protocols;
use super::rejection::Rejection;

const SERVICE_PATH: &str = "/webservices/IFCommonService.asmx";
/// The path of a call over HTTP GET.
pub(crate) const HTTP_GET_PATH: &str = "/webservices/IFCommonService.asmx/ResetUserPassword";
/// ASP.NET 4's `maxQueryStringLength`.
const MAX_QUERY: usize = 2_048;

/// The destination of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The operation, called through this binding.
    Call(Binding),
    /// A description of the service.
    Page(Page),
    /// The request is refused.
    Rejected(Rejection),
}

/// Routes a request. The case of the service's path is ignored, but that of the operation's name
/// is not.
#[must_use]
pub fn route(protocols: Protocols, request: &Request) -> Route {
    find(protocols, request).unwrap_or_else(Route::Rejected)
}

fn find(protocols: Protocols, request: &Request) -> Result<Route, Rejection> {
    let path = with_single_slashes(&decode_path(&request.path));
    let path_info = path_info(&path).ok_or(Rejection::NotFound)?;
    if request.query.len() > MAX_QUERY {
        return Err(Rejection::QueryTooLong);
    }
    let (binding, is_on) = match request.method {
        Method::GET => (Binding::HttpGet, protocols.http_get),
        Method::POST => (Binding::HttpPost, protocols.http_post),
        _ => return Err(Rejection::MethodNotAllowed),
    };
    match (path_info, binding) {
        ("", Binding::HttpGet) if protocols.documentation => find_page(request),
        ("", Binding::HttpPost) if protocols.has_soap() => {
            let version = guessed_version(protocols, request);
            Ok(Route::Call(Binding::Soap(version)))
        }
        ("", _) => Err(Rejection::MethodNotAllowed),
        (path_info, _) if path_info == "/" || !is_on => {
            Err(Rejection::UnrecognizedUrl(path_info.to_owned()))
        }
        (path_info, binding) => {
            check_name(path_info.get(1..).unwrap_or_default())?;
            Ok(Route::Call(binding))
        }
    }
}

/// Replaces repeated slashes with one, like `System.Web.VirtualPath`.
fn with_single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    single
}

/// The path after the service's file. `None` for other files.
fn path_info(path: &str) -> Option<&str> {
    let (file, path_info) = path.split_at_checked(SERVICE_PATH.len())?;
    let is_service = file.eq_ignore_ascii_case(SERVICE_PATH);
    (is_service && (path_info.is_empty() || path_info.starts_with('/'))).then_some(path_info)
}

/// Compares the name of a called operation with the service's.
fn check_name(name: &str) -> Result<(), Rejection> {
    if name == OPERATION {
        return Ok(());
    }
    Err(Rejection::Text(if name.eq_ignore_ascii_case(OPERATION) {
        // The legacy server wrote two and three spaces here (case get.path.method-lower).
        format!(
            "Invalid method name &#39;{name}&#39;,  method names are case sensitive.   The method \
             name &#39;{OPERATION}&#39; with the same name but different casing was found.\r\n\
             Parameter name: methodName"
        )
    } else {
        format!(
            "{} Web Service method name is not valid.",
            html_encode(name)
        )
    }))
}

/// Reads the query in the order of the .NET Framework's `DiscoveryServerProtocol`.
fn find_page(request: &Request) -> Result<Route, Rejection> {
    let query = bare_word(request).unwrap_or(&request.query);
    let parameters = form::parameters(query.as_bytes(), Charset::UTF_8);
    let not_found = |message: &str| Err(Rejection::Text(message.to_owned()));
    if parameters.value("schema").is_some() {
        return not_found("Schema not found.");
    }
    if parameters.value("wsdl").is_some() {
        return not_found("XML Web service description was not found.");
    }
    let word = parameters.nameless().unwrap_or_default();
    Ok(Route::Page(match word.to_ascii_lowercase().as_str() {
        "wsdl" => Page::Wsdl,
        "disco" => Page::Disco,
        _ => match parameters.value("op") {
            Some(name) if name == OPERATION => Page::Operation,
            Some(name) => Page::UnknownOperation(name),
            None => Page::Operations,
        },
    }))
}

/// Removes the `=` from the query `wsdl=` or `disco=` if a gateway may have added it.
fn bare_word(request: &Request) -> Option<&str> {
    let word = request.query.strip_suffix('=')?;
    let is_word = ["wsdl", "disco"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    (is_word && !request.is_query_verbatim).then_some(word)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use xml::soap::Version;

    use super::*;

    fn get(query: &str) -> Route {
        let request = Request::new(
            Method::GET,
            &format!("{SERVICE_PATH}?{query}"),
            HeaderMap::new(),
            vec![],
        );
        route(Protocols::ALL, &request)
    }

    fn not_found(message: &str) -> Route {
        Route::Rejected(Rejection::Text(message.to_owned()))
    }

    fn found(names: &str, method: &Method, path_info: &str) -> Route {
        let path = format!("{SERVICE_PATH}{path_info}");
        let request = Request::new(method.clone(), &path, HeaderMap::new(), vec![]);
        route(names.parse().unwrap(), &request)
    }

    #[test]
    fn the_service_is_found_in_any_case() {
        for (path, is_found) in [
            ("/webservices/IFCommonService.asmx", true),
            ("/WEBSERVICES/ifcommonservice.ASMX", true),
            ("/webservices/IFCommonService%2Easmx", true),
            ("/webservices/IFCommonService.asmx2", false),
            ("/webservices/IFCommonService", false),
            ("/webservices/IFCommonServic\u{e9}.asmx", false),
            ("/", false),
            ("", false),
        ] {
            let request = Request::new(Method::GET, path, HeaderMap::new(), vec![]);
            let expected = if is_found {
                Route::Page(Page::Operations)
            } else {
                Route::Rejected(Rejection::NotFound)
            };
            assert_eq!(route(Protocols::ALL, &request), expected, "{path}");
        }
    }

    #[test]
    fn a_query_has_a_maximum_length() {
        assert_eq!(get(&"x".repeat(2_048)), Route::Page(Page::Operations));
        let too_long = Route::Rejected(Rejection::QueryTooLong);
        assert_eq!(get(&"x".repeat(2_049)), too_long);
        assert_eq!(get(&"x".repeat(4_000)), too_long);
    }

    #[test]
    fn verbs_depend_on_the_enabled_protocols() {
        const ALL: &str = "HttpGet,HttpPost,Soap,Soap12,Documentation";
        let unrecognized =
            |path_info: &str| Route::Rejected(Rejection::UnrecognizedUrl(path_info.to_owned()));
        let not_allowed = Route::Rejected(Rejection::MethodNotAllowed);
        let soap = Route::Call(Binding::Soap(Version::V12));
        let call = "/ResetUserPassword";
        for (names, method, path_info, expected) in [
            (ALL, Method::GET, "", Route::Page(Page::Operations)),
            (ALL, Method::POST, "", soap.clone()),
            (ALL, Method::GET, call, Route::Call(Binding::HttpGet)),
            (ALL, Method::POST, call, Route::Call(Binding::HttpPost)),
            (ALL, Method::GET, "/", unrecognized("/")),
            (ALL, Method::POST, "/", unrecognized("/")),
            (ALL, Method::HEAD, "", not_allowed.clone()),
            (ALL, Method::PUT, call, not_allowed.clone()),
            (
                "Documentation",
                Method::GET,
                "",
                Route::Page(Page::Operations),
            ),
            ("Documentation", Method::POST, "", not_allowed.clone()),
            ("Documentation", Method::GET, call, unrecognized(call)),
            ("Documentation", Method::POST, call, unrecognized(call)),
            ("Soap", Method::GET, "", not_allowed),
            ("Soap12", Method::POST, "", soap),
            ("HttpGet", Method::GET, call, Route::Call(Binding::HttpGet)),
            ("HttpGet", Method::POST, call, unrecognized(call)),
            (
                "HttpPost",
                Method::POST,
                call,
                Route::Call(Binding::HttpPost),
            ),
            ("HttpPost", Method::GET, call, unrecognized(call)),
        ] {
            let route = found(names, &method, path_info);
            assert_eq!(route, expected, "{names} {method} {path_info}");
        }
    }

    #[test]
    fn an_operation_is_called_by_its_name() {
        for (name, message) in [
            (
                "resetuserpassword",
                "Invalid method name &#39;resetuserpassword&#39;,  method names are case \
                 sensitive.   The method name &#39;ResetUserPassword&#39; with the same name but \
                 different casing was found.\r\nParameter name: methodName",
            ),
            ("Reset", "Reset Web Service method name is not valid."),
            ("a%26b", "a&amp;b Web Service method name is not valid."),
            (
                "ResetUserPassword/",
                "ResetUserPassword/ Web Service method name is not valid.",
            ),
        ] {
            for method in [Method::GET, Method::POST] {
                let route = found("HttpGet,HttpPost", &method, &format!("/{name}"));
                assert_eq!(route, not_found(message), "{name}");
            }
        }
    }

    #[test]
    fn an_operation_is_described_by_its_name() {
        assert_eq!(get("op=ResetUserPassword"), Route::Page(Page::Operation));
        assert_eq!(get("x&OP=ResetUserPassword"), Route::Page(Page::Operation));
        for name in ["resetuserpassword", ""] {
            let expected = Route::Page(Page::UnknownOperation(name.to_owned()));
            assert_eq!(get(&format!("op={name}")), expected);
        }
    }

    #[test]
    fn repeated_slashes_are_one() {
        for path in [
            "//webservices/IFCommonService.asmx/ResetUserPassword",
            "/webservices///IFCommonService.asmx/ResetUserPassword",
            "/webservices/IFCommonService.asmx//ResetUserPassword",
            "/webservices/IFCommonService.asmx/%2FResetUserPassword",
        ] {
            let request = Request::new(Method::GET, path, HeaderMap::new(), vec![]);
            let expected = Route::Call(Binding::HttpGet);
            assert_eq!(route(Protocols::ALL, &request), expected, "{path}");
        }
        let path = "/webservices/IFCommonService.asmx//";
        let request = Request::new(Method::GET, path, HeaderMap::new(), vec![]);
        let expected = Route::Rejected(Rejection::UnrecognizedUrl("/".to_owned()));
        assert_eq!(route(Protocols::ALL, &request), expected);
    }

    #[test]
    fn a_word_in_the_query_requests_a_document() {
        for query in ["WsDl", "wsdl&foo=1", "foo=1&wsdl", "%57sdl", "wsdl&op=x"] {
            assert_eq!(get(query), Route::Page(Page::Wsdl), "{query}");
        }
        // Several words are joined by commas.
        for query in ["wsdl&disco", "wsdl&wsdl", "wsdl&", "&disco"] {
            assert_eq!(get(query), Route::Page(Page::Operations), "{query}");
        }
    }

    #[test]
    fn an_equals_sign_that_a_gateway_added_to_a_word_is_ignored() {
        let description = "XML Web service description was not found.";
        for (query, is_query_verbatim, expected) in [
            ("WSDL=", false, Route::Page(Page::Wsdl)),
            ("Disco=", false, Route::Page(Page::Disco)),
            ("singleWsdl=", false, Route::Page(Page::Operations)),
            ("wsdl=1", false, not_found(description)),
            ("wsdl=&a=", false, not_found(description)),
            ("wsdl=", true, not_found(description)),
            ("disco=", true, Route::Page(Page::Operations)),
        ] {
            let mut request = Request::new(
                Method::GET,
                &format!("{SERVICE_PATH}?{query}"),
                HeaderMap::new(),
                vec![],
            );
            request.is_query_verbatim = is_query_verbatim;
            assert_eq!(route(Protocols::ALL, &request), expected, "{query}");
        }
    }

    #[test]
    fn a_schema_takes_precedence_over_a_description() {
        let schema = not_found("Schema not found.");
        assert_eq!(get("wsdl&schema=1"), schema);
        assert_eq!(get("wsdl=1&SCHEMA="), schema);
        let description = not_found("XML Web service description was not found.");
        assert_eq!(get("disco&wsdl="), description);
    }
}
