//! Fuzzes routing, decoding and answering of ASMX requests with arbitrary input.

#![no_main]

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method};
use reset_user_password::asmx::{self, Protocols, Route};
use shared::lambda::Request;

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

// The input is a verb, then lines with the path, the query, the content type and the SOAP action.
// The rest is the body.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(6, |&byte| byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (verb, path, query) = (line(), line(), line());
    let mut headers = HeaderMap::new();
    for name in [CONTENT_TYPE, SOAP_ACTION] {
        if let Ok(value) = line().parse() {
            headers.insert(name, value);
        }
    }
    let body = lines.next().unwrap_or_default().to_vec();
    let path = format!("/webservices/IFCommonService.asmx{path}");
    let method = verb.parse().unwrap_or(Method::POST);
    let request = Request::new(method, &format!("{path}?{query}"), headers, body);
    match asmx::route(Protocols::ALL, &request) {
        Route::Call(binding) => {
            if let Err(rejection) = asmx::decode(Protocols::ALL, binding, &request) {
                assert!(!rejection.encode().status().is_success());
            }
        }
        Route::Page(page) => assert!(page.encode(Protocols::ALL, &request).status() == 200),
        Route::Rejected(rejection) => assert!(!rejection.encode().status().is_success()),
    }
    assert!(asmx::server_fault(&request).status().is_server_error());
});
