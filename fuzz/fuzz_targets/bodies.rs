//! Fuzzes the decoders of bodies: a compressed body, and the same contents written in any other
//! format, must be read as the same request.

#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use password::ExposeSecret as _;
use shared::lambda::Request;
use update_user_registration_password::operation::Input;
use update_user_registration_password::servicestack::{self, Route};

const ROUTE: &str = "/UpdateUserRegistrationPassword";
const BOUNDARY: &str = "b";
/// The path and content type of each format.
const FORMATS: [(&str, &str); 10] = [
    (ROUTE, "application/json"),
    (ROUTE, "application/xml"),
    (ROUTE, "application/jsv"),
    (ROUTE, "text/csv"),
    (ROUTE, "application/x-www-form-urlencoded"),
    (
        ROUTE,
        "application/x-www-form-urlencoded; charset=iso-8859-1",
    ),
    (ROUTE, "multipart/form-data; boundary=b"),
    (ROUTE, "multipart/form-data; boundary=\"a b;c\""),
    ("/soap11", "text/xml; charset=utf-8"),
    ("/soap12", "application/soap+xml; charset=utf-8"),
];

// The input is a digit for the format, then the body.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((digit, body)) = data.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(digit % 10)];
    let read = decode(format, None, body.to_vec());
    if !body.is_empty() {
        assert_eq!(read, decode(format, Some("gzip"), gzip(body)));
        assert_eq!(read, decode(format, Some("deflate"), deflate(body)));
    }
    for encoding in ["gzip", "deflate"] {
        let _ = decode(format, Some(encoding), body.to_vec());
    }
    if let Some((Some(email), Some(password))) = read {
        in_every_format(&email, &password);
    }
});

type Texts = (Option<String>, Option<String>);

/// The address and password of a request. `None` if it is refused.
fn decode(
    (path, content_type): (&str, &'static str),
    encoding: Option<&'static str>,
    body: Vec<u8>,
) -> Option<Texts> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let request = Request::new(Method::POST, path, headers, body);
    let Route::Call(endpoint) = servicestack::route(&request, true) else {
        panic!("{path} is not a call");
    };
    servicestack::decode(endpoint, &request).ok().map(texts)
}

fn texts(input: Input) -> Texts {
    let password = input
        .new_password
        .map(|secret| secret.expose_secret().to_owned());
    (input.email, password)
}

/// Writes the address and the password in each format that can represent them, and reads them
/// again.
fn in_every_format(email: &str, password: &str) {
    let expected = Some((Some(email.to_owned()), Some(password.to_owned())));
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let json = serde_json::json!({"Email": email, "NewPassword": password}).to_string();
    let csv = format!(
        "Email,NewPassword\r\n{},{}\r\n",
        quoted(email),
        quoted(password)
    );
    let jsv = format!(
        "{{Email:{},NewPassword:{}}}",
        quoted(email),
        quoted(password)
    );
    let written = [(0, json), (2, jsv), (3, csv)];
    // Forms and JSV cannot represent empty values.
    if email.is_empty() || password.is_empty() {
        return;
    }
    for (format, body) in written {
        assert_eq!(
            decode(FORMATS[format], None, body.clone().into_bytes()),
            expected,
            "{body:?}"
        );
    }
    // A lone surrogate in a form becomes U+FFFD, so U+FFFD is refused.
    if !format!("{email}{password}").contains('\u{fffd}') {
        let body = format!("Email={}&NewPassword={}", percent(email), percent(password));
        assert_eq!(
            decode(FORMATS[4], None, body.clone().into_bytes()),
            expected,
            "{body:?}"
        );
    }
    if !format!("\r\n{email}\r\n{password}").contains(&format!("\r\n--{BOUNDARY}")) {
        let part = |name, value| {
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n"
            )
        };
        let body = format!(
            "{}{}--{BOUNDARY}--",
            part("Email", email),
            part("NewPassword", password)
        );
        assert_eq!(
            decode(FORMATS[6], None, body.clone().into_bytes()),
            expected,
            "{body:?}"
        );
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}
