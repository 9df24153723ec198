//! Events that `lambda_http` would refuse or panic on, made into ones it takes.
//!
//! A gateway passes on what a client sent, and a client can send a header that is not ASCII, a
//! host that is none, or a query that is no query. None of it may become an error of the
//! invocation, which the client would see as the gateway's own 500.

use http::{HeaderMap, HeaderValue, header};
use lambda_http::request::LambdaRequest;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use url::Url;

const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// What may not stand in the query of an `http::Uri`.
const NOT_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'#');

/// The same event, safe to convert.
pub(super) fn repaired(event: LambdaRequest) -> LambdaRequest {
    match event {
        LambdaRequest::PassThrough(event) => {
            as_http(&event).unwrap_or(LambdaRequest::PassThrough(event))
        }
        event => safe(event),
    }
}

/// An HTTP event whose headers were not ASCII, with `?` in the place of what is not.
fn as_http(event: &str) -> Option<LambdaRequest> {
    let mut event: Value = serde_json::from_str(event).ok()?;
    event.get("requestContext")?;
    for name in ["headers", "multiValueHeaders"] {
        if let Some(Value::Object(headers)) = event.get_mut(name) {
            headers.retain(|name, _| header::HeaderName::try_from(name).is_ok());
            headers.values_mut().for_each(make_ascii);
        }
    }
    match serde_json::from_value(event).ok()? {
        LambdaRequest::PassThrough(_) => None,
        event => Some(safe(event)),
    }
}

fn make_ascii(value: &mut Value) {
    match value {
        Value::String(text) => {
            *text = text.replace(|c: char| c != '\t' && !(' '..='~').contains(&c), "?");
        }
        Value::Array(values) => values.iter_mut().for_each(make_ascii),
        _ => {}
    }
}

fn safe(event: LambdaRequest) -> LambdaRequest {
    match event {
        LambdaRequest::ApiGatewayV2(mut event) => {
            make_headers_safe(&mut event.headers);
            make_domain_safe(&mut event.request_context.domain_name);
            make_path_safe(&mut event.raw_path);
            if let Some(query) = &mut event.raw_query_string {
                *query = utf8_percent_encode(query, NOT_QUERY).to_string();
            }
            event.is_base64_encoded &= is_base64(event.body.as_deref());
            LambdaRequest::ApiGatewayV2(event)
        }
        LambdaRequest::ApiGatewayV1(mut event) => {
            make_headers_safe(&mut event.headers);
            make_domain_safe(&mut event.request_context.domain_name);
            make_path_safe(&mut event.path);
            event.is_base64_encoded &= is_base64(event.body.as_deref());
            LambdaRequest::ApiGatewayV1(event)
        }
        event => event,
    }
}

fn make_headers_safe(headers: &mut HeaderMap) {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let scheme = headers.get(FORWARDED_PROTO).map(text);
    if scheme.is_some_and(|scheme| scheme != "http" && scheme != "https") {
        headers.remove(FORWARDED_PROTO);
    }
    let host = headers.get(header::HOST).map(text);
    if host.is_some_and(|host| !is_host(&host)) {
        headers.remove(header::HOST);
    }
}

/// Both of the parsers that `lambda_http` trusts must take it.
fn is_host(host: &str) -> bool {
    let url = format!("https://{host}/");
    !host.contains(['/', '?', '#', '@', '\\'])
        && Url::parse(&url).is_ok_and(|url| url.as_str().parse::<http::Uri>().is_ok())
}

/// The gateway's own name, which stands in when there is no Host header.
fn make_domain_safe(domain_name: &mut Option<String>) {
    if domain_name.as_deref().is_some_and(|name| !is_host(name)) {
        *domain_name = None;
    }
}

fn make_path_safe(path: &mut Option<String>) {
    match path {
        Some(path) if !path.starts_with('/') => path.insert(0, '/'),
        _ => {}
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
        let event = serde_json::from_value(event).unwrap();
        lambda_http::Request::from(repaired(event)).into()
    }

    #[test]
    fn headers_that_are_not_ascii_do_not_lose_the_request() {
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

    const NO_HOSTS: [&str; 11] = [
        "",
        "a b",
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
    fn hosts_that_are_none_give_way_to_the_gateways() {
        for host in NO_HOSTS {
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
    fn a_gateway_without_a_name_can_be_called_too() {
        for host in NO_HOSTS {
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
    fn any_query_and_path_can_be_asked_for() {
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
