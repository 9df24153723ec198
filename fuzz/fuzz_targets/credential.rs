//! Fuzzes Basic credentials, which must be read exactly as written, or refused.

#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use password::ExposeSecret as _;
use shared::lambda::Request;
use update_user_registration_password::caller::Credential;
use update_user_registration_password::servicestack;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(header) = HeaderValue::from_bytes(data) {
        let _ = read(header);
    }
    let encoded = format!("Basic {}", BASE64_STANDARD.encode(data));
    let header = HeaderValue::from_str(&encoded).expect("ASCII");
    if let Some((name, password)) = read(header) {
        assert_eq!(format!("{name}:{password}").as_bytes(), data);
        assert!(!name.is_empty() && !name.contains(':') && name.trim() == name);
        assert!(!password.is_empty() && encoded.len() <= 4096);
    }
});

fn read(header: HeaderValue) -> Option<(String, String)> {
    let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
    let request = Request::new(
        Method::POST,
        "/UpdateUserRegistrationPassword",
        headers,
        Vec::new(),
    );
    let Credential::Password(credential) = servicestack::credential(&request, true).ok()? else {
        panic!("a request without a cookie has no session");
    };
    let password = credential.password.expose_secret().to_owned();
    Some((credential.username, password))
}
