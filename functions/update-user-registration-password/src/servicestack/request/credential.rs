//! Credential of a request.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header;
use password::{ExposeSecret as _, Secret};
use shared::lambda::Request;

use crate::login::Credential;
use crate::servicestack::rejection::Rejection;

/// Longest `Authorization` header that is read, in bytes: a user name of 256 bytes with a password
/// of 128 characters takes at most 1,034.
const MAX_AUTHORIZATION: usize = 4 * 1024;

/// Reads `Authorization: Basic` (RFC 7617, UTF-8). No header, another scheme or an empty password
/// is [`Rejection::NoCredential`], which is answered with a challenge.
pub fn credential(request: &Request) -> Result<Credential, Rejection> {
    let value = request
        .header(header::AUTHORIZATION)
        .ok_or(Rejection::NoCredential)?;
    basic(&value)
}

fn basic(value: &str) -> Result<Credential, Rejection> {
    if value.len() > MAX_AUTHORIZATION {
        return Err(Rejection::NoCredential);
    }
    let (scheme, encoded) = value
        .split_once(' ')
        .ok_or(Rejection::CredentialIncomplete)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Rejection::NoCredential);
    }
    let decoded = BASE64_STANDARD
        .decode(encoded.trim())
        .map_err(|_| Rejection::CredentialNotBase64)?;
    let decoded = Secret::from(String::from_utf8_lossy(&decoded).into_owned());
    let (username, password) = decoded
        .expose_secret()
        .split_once(':')
        .ok_or(Rejection::CredentialIncomplete)?;
    if username.is_empty() || password.is_empty() {
        return Err(Rejection::NoCredential);
    }
    let password = Secret::from(password.to_owned());
    Ok(Credential {
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
        assert_eq!(basic("Basic /zr/").unwrap().username, "\u{fffd}");
    }

    #[test]
    fn reads_nothing_else() {
        for (value, expected) in [
            ("", Rejection::CredentialIncomplete),
            ("Basic", Rejection::CredentialIncomplete),
            ("Basic ", Rejection::CredentialIncomplete),
            ("Basic YWRtaW4=", Rejection::CredentialIncomplete),
            ("Basic !!", Rejection::CredentialNotBase64),
            ("Basic YWRtaW46", Rejection::NoCredential),
            ("Basic OnBhc3N3b3Jk", Rejection::NoCredential),
            ("Bearer YWRtaW46eA==", Rejection::NoCredential),
            ("Digest username=\"admin\"", Rejection::NoCredential),
        ] {
            assert_eq!(basic(value).err(), Some(expected), "{value}");
        }
    }
}
