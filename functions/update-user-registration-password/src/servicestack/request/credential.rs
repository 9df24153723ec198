//! The credential of a request.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header;
use shared::lambda::Request;
use shared::password::{ExposeSecret as _, Secret};

use crate::operation::Credential;
use crate::servicestack::{MAX_AUTHORIZATION, Rejection};

/// Reads `Authorization: Basic` (RFC 7617, UTF-8).
pub fn credential(request: &Request) -> Result<Credential, Rejection> {
    let value = request
        .header(header::AUTHORIZATION)
        .ok_or(Rejection::NoCredential)?;
    basic(&value).ok_or(Rejection::NoCredential)
}

fn basic(value: &str) -> Option<Credential> {
    if value.len() > MAX_AUTHORIZATION {
        return None;
    }
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let decoded = Secret::from(String::from_utf8(decoded).ok()?);
    let (username, password) = decoded.expose_secret().split_once(':')?;
    if username.is_empty() || password.is_empty() {
        return None;
    }
    let password = Secret::from(password.to_owned());
    Some(Credential {
        username: username.to_owned(),
        password,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_basic_in_any_case() {
        for scheme in ["Basic", "basic", "BASIC"] {
            let credential = basic(&format!("{scheme} YWRtaW46cEA1NTp3T3Jk")).unwrap();
            assert_eq!(credential.username, "admin");
            assert_eq!(credential.password.expose_secret(), "p@55:wOrd");
        }
    }

    #[test]
    fn reads_nothing_else() {
        for value in [
            "",
            "Basic",
            "Basic ",
            "Basic !!",
            "Basic YWRtaW4=",
            "Basic YWRtaW46",
            "Basic OnBhc3N3b3Jk",
            "Basic /zr/",
            "Bearer YWRtaW46eA==",
            "Digest username=\"admin\"",
        ] {
            assert!(basic(value).is_none(), "{value}");
        }
    }
}
