//! Fuzzes routing, decoding and answering of ServiceStack requests with arbitrary input. Answers in
//! XML must be well-formed.

#![no_main]

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Method, StatusCode};
use shared::lambda::Request;
use update_user_registration_password::operation::Outcome;
use update_user_registration_password::servicestack::{self, Format, Reply, Route};

// The input is a verb, then lines with the path, the query, the content type, the content encoding,
// `Accept` and the credential, which is also sent as a cookie. The rest is the body.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(8, |&byte| byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (verb, path, query) = (line(), line(), line());
    let mut headers = HeaderMap::new();
    for name in [CONTENT_TYPE, CONTENT_ENCODING, ACCEPT, AUTHORIZATION] {
        if let Ok(value) = line().parse() {
            headers.insert(name, value);
        }
    }
    if let Some(cookie) = headers.get(AUTHORIZATION).cloned() {
        headers.insert(COOKIE, cookie);
    }
    let body = lines.next().unwrap_or_default().to_vec();
    let method = verb.parse().unwrap_or(Method::POST);
    let request = Request::new(method, &format!("{path}?{query}"), headers, body);
    let route = servicestack::route(&request, true);
    let format = route.response_format(&request);
    let rejection = match route {
        Route::Call(endpoint) => {
            let _ = servicestack::credential(&request, true);
            servicestack::decode(endpoint, &request).err()
        }
        Route::Authenticate { endpoint, provider } => {
            servicestack::authenticate(endpoint, provider.as_deref(), &request).err()
        }
        Route::Page(page) => {
            let _ = page.encode(&request);
            None
        }
        Route::Rejected(rejection) => Some(rejection),
    };
    if let Some(rejection) = rejection {
        let response = Reply::<Outcome>::from(rejection).encode(&format);
        // In SOAP, the status of a failure may be only in a header.
        assert!(!response.status().is_success() || response.headers().contains_key("x-status"));
        let is_text = response.status() == StatusCode::NOT_FOUND;
        if format.format == Format::Xml && !is_text {
            let mut reader = xml::Reader::new(response.body());
            while reader.next_node().expect("well-formed XML") != xml::Node::Eof {}
        }
    }
    assert!(
        servicestack::server_fault::<Outcome>(&format)
            .status()
            .is_server_error()
    );
});
