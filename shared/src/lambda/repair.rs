//! Repair of HTTP events that `lambda_http` would refuse or panic on.
//!
//! A gateway passes on everything that a client sends: headers that are not ASCII, invalid host
//! names, paths longer than a URI may be. None of these may fail the invocation, which the client
//! would see as a 500 from the gateway.

use std::collections::HashMap;

use http::header::{self, HeaderMap, HeaderName};
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::request::MAX_HEAD;

/// The maximum length of a host name (RFC 1035 section 2.3.4) with a port.
const MAX_HOST: usize = 255 + ":65535".len();

/// The characters that the query of an `http::Uri` must not contain.
const NOT_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'#');

/// Changes the event so that `lambda_http` can convert it.
pub(super) fn repaired(event: LambdaRequest) -> LambdaRequest {
    match event {
        LambdaRequest::PassThrough(event) => {
            rebuilt(&event).map_or(LambdaRequest::PassThrough(event), safe)
        }
        event => safe(event),
    }
}

/// Rebuilds an HTTP event that `lambda_http` did not recognise. Uses only the members that make up
/// a request, and leaves out values of the wrong type. Returns `None` for other events.
fn rebuilt(event: &str) -> Option<LambdaRequest> {
    let event: Value = serde_json::from_str(event).ok()?;
    let at = |pointer| event.pointer(pointer);
    let text = |pointer| at(pointer).and_then(Value::as_str);
    let texts = |pointer| at(pointer).map(|values| texts(values, str::to_owned));
    let headers = |pointer| at(pointer).map(headers);
    let rebuilt = if at("/requestContext/http").is_some() {
        json!({
            "version": "2.0",
            "rawPath": text("/rawPath"),
            "rawQueryString": text("/rawQueryString"),
            "headers": headers("/headers"),
            "cookies": texts("/cookies"),
            "body": text("/body"),
            "isBase64Encoded": at("/isBase64Encoded").and_then(Value::as_bool),
            "requestContext": {
                "http": {
                    "method": text("/requestContext/http/method"),
                    "sourceIp": text("/requestContext/http/sourceIp"),
                },
                "domainName": text("/requestContext/domainName"),
                "stage": text("/requestContext/stage"),
            },
        })
    } else {
        json!({
            "path": text("/path"),
            "httpMethod": text("/httpMethod"),
            "headers": headers("/headers"),
            "multiValueHeaders": headers("/multiValueHeaders"),
            "queryStringParameters": texts("/queryStringParameters"),
            "multiValueQueryStringParameters": texts("/multiValueQueryStringParameters"),
            "body": text("/body"),
            "isBase64Encoded": at("/isBase64Encoded").and_then(Value::as_bool),
            "requestContext": {
                "httpMethod": text("/httpMethod"),
                "identity": { "sourceIp": text("/requestContext/identity/sourceIp") },
                "domainName": text("/requestContext/domainName"),
                "stage": text("/requestContext/stage"),
            },
        })
    };
    match serde_json::from_value(rebuilt).ok()? {
        LambdaRequest::PassThrough(_) => None,
        event => Some(event),
    }
}

/// The headers whose names are valid, with `?` for each character that is not ASCII.
fn headers(headers: &Value) -> Value {
    let mut headers = texts(headers, |text| {
        text.replace(|c: char| c != '\t' && !(' '..='~').contains(&c), "?")
    });
    if let Value::Object(headers) = &mut headers {
        headers.retain(|name, _| HeaderName::try_from(name).is_ok());
    }
    headers
}

/// Applies `change` to the strings in an object and its arrays, or in an array. Leaves out other
/// values.
fn texts(values: &Value, change: fn(&str) -> String) -> Value {
    match values {
        Value::Object(members) => members
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Array(_) => Some((name.clone(), texts(value, change))),
                value => Some((name.clone(), text(value, change)?)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(values) => values.iter().filter_map(|v| text(v, change)).collect(),
        _ => Value::Null,
    }
}

/// Applies `change` to a string. `null` becomes an empty string.
fn text(value: &Value, change: fn(&str) -> String) -> Option<Value> {
    match value {
        Value::String(text) => Some(change(text).into()),
        Value::Null => Some("".into()),
        _ => None,
    }
}

fn safe(event: LambdaRequest) -> LambdaRequest {
    match event {
        LambdaRequest::ApiGatewayV2(mut event) => {
            make_headers_safe(&mut event.headers);
            make_domain_safe(&mut event.request_context.domain_name);
            let path = with_slash(event.raw_path);
            let query = event.raw_query_string.unwrap_or_default();
            if path.len() + query.len() > MAX_HEAD {
                event.raw_path = Some(too_long());
                event.raw_query_string = None;
            } else {
                event.raw_path = Some(path);
                event.raw_query_string = Some(utf8_percent_encode(&query, NOT_QUERY).to_string());
            }
            event.is_base64_encoded &= is_base64(event.body.as_deref());
            LambdaRequest::ApiGatewayV2(event)
        }
        LambdaRequest::ApiGatewayV1(mut event) => {
            make_headers_safe(&mut event.headers);
            make_headers_safe(&mut event.multi_value_headers);
            make_domain_safe(&mut event.request_context.domain_name);
            let path = with_slash(event.path);
            let single = Parameters::from_query_map(&event.query_string_parameters);
            let several = Parameters::from_query_map(&event.multi_value_query_string_parameters);
            if path.len() + single.query_length().max(several.query_length()) > MAX_HEAD {
                event.path = Some(too_long());
                event.query_string_parameters = HashMap::<String, String>::new().into();
                event.multi_value_query_string_parameters = HashMap::<String, String>::new().into();
            } else {
                event.path = Some(path);
                event.query_string_parameters = single.0.into();
                event.multi_value_query_string_parameters = several.0.into();
            }
            event.is_base64_encoded &= is_base64(event.body.as_deref());
            LambdaRequest::ApiGatewayV1(event)
        }
        event => event,
    }
}

/// Replaces a path that is too long, possibly too long even for `http::Uri`. The request is then
/// refused for its length.
fn too_long() -> String {
    "/".repeat(MAX_HEAD + 1)
}

fn with_slash(path: Option<String>) -> String {
    let path = path.unwrap_or_default();
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

/// The parameters of a REST API's query. Names with an empty list of values are left out, since
/// `query_map` panics on them.
struct Parameters(HashMap<String, Vec<String>>);

impl Parameters {
    fn from_query_map(query_map: &impl Serialize) -> Self {
        let parameters = serde_json::to_value(query_map).and_then(serde_json::from_value);
        let mut parameters: HashMap<_, Vec<_>> = parameters.unwrap_or_default();
        parameters.retain(|_, values| !values.is_empty());
        Self(parameters)
    }

    /// The length of the query before it is percent-encoded.
    fn query_length(&self) -> usize {
        let length = |(name, values): (&String, &Vec<String>)| -> usize {
            let separators = "=&".len();
            values
                .iter()
                .map(|v| name.len() + v.len() + separators)
                .sum()
        };
        self.0.iter().map(length).sum()
    }
}

fn make_headers_safe(headers: &mut HeaderMap) {
    let is_scheme = |scheme: &str| scheme == "http" || scheme == "https";
    keep_one(
        headers,
        HeaderName::from_static("x-forwarded-proto"),
        is_scheme,
    );
    keep_one(headers, header::HOST, is_host);
}

/// Removes a header that has several values or an invalid one.
fn keep_one(headers: &mut HeaderMap, name: HeaderName, is_right: fn(&str) -> bool) {
    let mut values = headers.get_all(&name).iter();
    let first = values.next().and_then(|value| value.to_str().ok());
    if values.next().is_some() || !first.is_some_and(is_right) {
        headers.remove(name);
    }
}

/// Whether this is one host, with or without a port, that both parsers behind `lambda_http` accept.
/// Its bytes are checked as well, because the first parser drops tabs and line breaks, and both
/// accept a comma-separated list.
fn is_host(host: &str) -> bool {
    let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]%".contains(&b);
    host.len() <= MAX_HOST
        && host.bytes().all(is_host_byte)
        && Url::parse(&format!("https://{host}/"))
            .is_ok_and(|url| url.as_str().parse::<http::Uri>().is_ok())
}

/// Removes the gateway's domain name, the fallback for the Host header, if it is invalid.
fn make_domain_safe(domain_name: &mut Option<String>) {
    if domain_name.as_deref().is_some_and(|name| !is_host(name)) {
        *domain_name = None;
    }
}

fn is_base64(body: Option<&str>) -> bool {
    use base64::Engine as _;
    body.is_none_or(|body| base64::prelude::BASE64_STANDARD.decode(body).is_ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Request;
    use super::*;

    fn converted(changes: &Value) -> Request {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/path",
            "rawQueryString": "",
            "headers": { "host": "example.com", "x-forwarded-proto": "https" },
            "requestContext": {
                "domainName": "gateway.example.com",
                "http": { "method": "POST", "path": "/path", "sourceIp": "192.0.2.1" },
                "stage": "$default"
            },
            "isBase64Encoded": false
        });
        for (name, value) in changes.as_object().unwrap() {
            event[name] = value.clone();
        }
        request(event)
    }

    fn request(event: Value) -> Request {
        let event = serde_json::from_value(event).unwrap();
        lambda_http::Request::from(repaired(event)).into()
    }

    fn rest_event() -> Value {
        json!({
            "path": "/path",
            "httpMethod": "POST",
            "headers": {},
            "requestContext": {
                "domainName": "gateway.example.com",
                "httpMethod": "POST",
                "identity": { "sourceIp": "192.0.2.1" },
                "stage": "prod"
            },
            "isBase64Encoded": false
        })
    }

    #[test]
    fn headers_that_are_not_ascii_do_not_fail_the_request() {
        let request = converted(&json!({
            "headers": { "host": "example.com", "user-agent": "Zoë\u{7f}", "na me": "x" }
        }));
        assert_eq!(request.header("user-agent").as_deref(), Some("Zo??"));
        assert_eq!(request.source, "192.0.2.1");
    }

    #[test]
    fn a_header_cannot_have_a_line_break() {
        let request = converted(&json!({
            "headers": { "host": "example.com", "content-type": "text/xml\r\nx-other: y\u{0}" }
        }));
        assert_eq!(
            request.header("content-type").as_deref(),
            Some("text/xml??x-other: y?")
        );
        assert!(!request.headers.contains_key("x-other"));
    }

    const NO_HOSTS: &[&str] = &[
        "",
        "a b",
        "a\tb",
        "\ta",
        "a,b",
        "example.com,example.com",
        "example.com:80:80",
        "a;b",
        "[",
        "a\"b",
        "a<b",
        "example.com:99999",
        "xn--",
        "evil.com/x",
        "u@example.com",
        "a\\b",
        "%",
    ];

    #[test]
    fn the_gateways_name_replaces_invalid_hosts() {
        for &host in NO_HOSTS {
            let request = converted(&json!({
                "headers": { "host": host, "x-forwarded-proto": "gopher" }
            }));
            assert_eq!(request.url(), "https://gateway.example.com/path", "{host}");
        }
        let request = converted(&json!({
            "headers": { "host": "localhost:3000", "x-forwarded-proto": "http" }
        }));
        assert_eq!(request.url(), "http://localhost:3000/path");
    }

    #[test]
    fn several_hosts_are_ignored() {
        let mut event = rest_event();
        for (headers, expected) in [
            (json!({ "host": ["example.com"] }), "example.com"),
            (
                json!({ "host": ["example.com", "example.com"] }),
                "gateway.example.com",
            ),
            (
                json!({ "host": ["example.com", "evil.example"] }),
                "gateway.example.com",
            ),
            (json!({ "host": ["a\tb"] }), "gateway.example.com"),
            (
                json!({ "host": "example.com,evil.example" }),
                "gateway.example.com",
            ),
            (json!({}), "gateway.example.com"),
        ] {
            event["multiValueHeaders"] = headers.clone();
            assert_eq!(request(event.clone()).host(), expected, "{headers}");
            let url = request(event.clone()).url();
            assert_eq!(url, format!("https://{expected}/path"), "{headers}");
        }
    }

    #[test]
    fn long_hosts_are_invalid() {
        let long = ["a".repeat(60).as_str(); 5].join(".");
        assert!(!is_host(&long));
        assert!(is_host(&long[..MAX_HOST - ":65535".len()]));
        assert!(is_host("[2001:db8::1]:8080"));
        assert!(is_host("EXAMPLE.com"));
    }

    /// A URI holds 65,534 bytes, and percent-encoding triples the length of a byte.
    #[test]
    fn a_uri_of_any_length_is_converted() {
        for length in [MAX_HEAD, MAX_HEAD + 1, 65_535, 200_000] {
            let long = " ".repeat(length);
            let path = json!({ "rawPath": format!("/{long}") });
            let query = json!({ "rawQueryString": long });
            for change in [path, query] {
                let request = converted(&change);
                assert!(request.head_length() > MAX_HEAD, "{length}");
            }
            let mut event = rest_event();
            event["path"] = format!("/{long}").into();
            assert!(request(event).head_length() > MAX_HEAD);
            for parameters in [
                json!({ "a": long }),
                json!({ long.as_str(): "" }),
                json!({ "a": vec![""; length] }),
                json!({ "": vec![""; length] }),
            ] {
                for name in ["queryStringParameters", "multiValueQueryStringParameters"] {
                    let mut event = rest_event();
                    event[name] = parameters.clone();
                    assert!(request(event).head_length() > MAX_HEAD, "{length}");
                }
            }
        }
    }

    #[test]
    fn values_of_another_type_do_not_fail_the_request() {
        for strange in [
            json!(null),
            json!(1),
            json!(true),
            json!({}),
            json!([[1, 2]]),
        ] {
            let request = converted(&json!({
                "headers": { "host": "example.com", "x-a": strange, "x-b": "b" },
                "cookies": ["a=b", strange],
                "queryStringParameters": { "a": strange },
                "pathParameters": { "a": strange },
                "stageVariables": strange,
                "rawQueryString": "a=b",
                "body": "body",
            }));
            assert_eq!(request.method, "POST", "{strange}");
            assert_eq!(request.url(), "https://example.com/path", "{strange}");
            assert_eq!(request.query, "a=b", "{strange}");
            assert_eq!(request.header("x-b").as_deref(), Some("b"), "{strange}");
            assert!(
                request.header("cookie").unwrap().starts_with("a=b"),
                "{strange}"
            );
            assert_eq!(request.body, b"body", "{strange}");
            assert_eq!(request.source, "192.0.2.1", "{strange}");

            let mut event = rest_event();
            event["queryStringParameters"] = json!({ "a": strange, "b": "\u{e9}" });
            event["multiValueHeaders"] = json!({ "x-a": [strange], "x-b": ["b", strange] });
            event["pathParameters"] = json!({ "a": strange });
            event["requestContext"]["authorizer"] = strange.clone();
            let request = self::request(event);
            assert_eq!(request.method, "POST", "{strange}");
            assert!(request.query.contains("b=%C3%A9"), "{strange}");
            assert!(request.header("x-b").unwrap().starts_with('b'), "{strange}");
            assert_eq!(request.source, "192.0.2.1", "{strange}");
            assert_eq!(
                request.url(),
                "https://gateway.example.com/path",
                "{strange}"
            );
        }
    }

    #[test]
    fn parameters_without_a_value_are_empty() {
        for value in [json!(""), json!(null)] {
            let mut event = rest_event();
            event["queryStringParameters"] = json!({ "a": value });
            let request = request(event);
            assert_eq!(request.query, "a=");
            assert!(!request.is_query_verbatim);
        }
        assert!(converted(&json!({})).is_query_verbatim);
    }

    #[test]
    fn other_events_are_unchanged() {
        for event in [
            json!({}),
            json!({ "requestContext": {} }),
            json!({ "requestContext": { "http": {} } }),
            json!({ "requestContext": { "connectionId": "x" }, "headers": {} }),
            json!([1]),
        ] {
            let event = event.to_string();
            let repaired = repaired(LambdaRequest::PassThrough(event.clone()));
            assert!(
                matches!(&repaired, LambdaRequest::PassThrough(same) if *same == event),
                "{event}"
            );
        }
    }

    #[test]
    fn a_gateway_without_a_name_works_too() {
        for &host in NO_HOSTS {
            let request = converted(&json!({
                "headers": { "host": host },
                "requestContext": {
                    "domainName": host,
                    "http": { "method": "GET", "path": "/path" },
                    "stage": "$default"
                }
            }));
            assert_eq!(request.path, "/path", "{host}");
        }
    }

    #[test]
    fn any_query_and_path_can_be_requested() {
        let request = converted(&json!({ "rawQueryString": "a=<b> \"c\"&d=é#%zz" }));
        assert_eq!(request.query, "a=%3Cb%3E%20%22c%22&d=%C3%A9%23%zz");
        for path in ["", "no-slash", "/a b/é", "//x", "/../..", "/%zz"] {
            let request = converted(&json!({ "rawPath": path }));
            let expected = if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("/{path}")
            };
            assert_eq!(request.path, expected);
        }
    }

    #[test]
    fn bodies_that_only_claim_to_be_base64_are_text() {
        let request = converted(&json!({ "body": "!!", "isBase64Encoded": true }));
        assert_eq!(request.body, b"!!");
        let request = converted(&json!({ "body": "aGk=", "isBase64Encoded": true }));
        assert_eq!(request.body, b"hi");
    }

    #[test]
    fn a_named_stage_is_no_part_of_the_path() {
        let context = json!({
            "domainName": "gateway.example.com",
            "http": { "method": "POST", "path": "/prod/path", "sourceIp": "192.0.2.1" },
            "stage": "prod"
        });
        let request = converted(&json!({ "rawPath": "/prod/path", "requestContext": context }));
        assert_eq!(request.path, "/path");
        assert_eq!(request.url(), "https://example.com/prod/path");
    }
}
