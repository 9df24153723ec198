//! Credential of a request.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use http::header;
use password::{ExposeSecret as _, Secret};
use shared::lambda::Request;

use super::origin::is_cross_site;
use crate::authentication::Credential;
use crate::servicestack::rejection::Rejection;

/// Longest `Authorization` header that is read, in bytes: a user name of 256 bytes with a password
/// of 128 characters takes at most 1,034.
const MAX_AUTHORIZATION: usize = 4 * 1024;

/// Base64 as .NET reads it: unused bits may be set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Reads `Authorization: Basic` (RFC 7617, UTF-8), unless a foreign page made a browser send it.
///
/// No header, another scheme, bytes that are not UTF-8 or an empty password is
/// [`Rejection::NoCredential`], which is answered with a challenge.
pub fn credential(request: &Request) -> Result<Credential, Rejection> {
    if is_cross_site(request) {
        return Err(Rejection::CrossSite);
    }
    let value = request
        .header(header::AUTHORIZATION)
        .ok_or(Rejection::NoCredential)?;
    basic(&value)
}

fn basic(value: &str) -> Result<Credential, Rejection> {
    if value.len() > MAX_AUTHORIZATION || value.trim().is_empty() {
        return Err(Rejection::NoCredential);
    }
    let (scheme, encoded) = value
        .split_once(' ')
        .ok_or(Rejection::CredentialIncomplete)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Rejection::NoCredential);
    }
    let encoded: String = encoded.split_ascii_whitespace().collect();
    let decoded = BASE64
        .decode(encoded)
        .map_err(|_| Rejection::CredentialNotBase64)?;
    let decoded = String::from_utf8(decoded).map_err(|_| Rejection::NoCredential)?;
    let decoded = Secret::from(decoded);
    let (username, password) = decoded
        .expose_secret()
        .split_once(':')
        .ok_or(Rejection::CredentialIncomplete)?;
    if password.is_empty() {
        return Err(Rejection::NoCredential);
    }
    // The key of an account is trimmed; the original compared the name as it was sent.
    if username.is_empty() || username.trim() != username {
        return Err(Rejection::InvalidUserName);
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
        for value in [
            "Basic YWRtaW46cEA1NTp3T3Jk",
            "basic  YWRtaW46 cEA1NTp3T3Jk",
            "BASIC YWRtaW46\tcEA1NTp3T3Jk ",
        ] {
            let credential = basic(value).unwrap();
            assert_eq!(credential.username, "admin");
            assert_eq!(credential.password.expose_secret(), "p@55:wOrd");
        }
        for encoded in ["YTpi", "YTpiYw==", "YTpiYx=="] {
            assert_eq!(basic(&format!("Basic {encoded}")).unwrap().username, "a");
        }
    }

    #[test]
    fn reads_nothing_else() {
        for (value, expected) in [
            ("", Rejection::NoCredential),
            (" ", Rejection::NoCredential),
            ("Basic", Rejection::CredentialIncomplete),
            ("Basic ", Rejection::CredentialIncomplete),
            ("Basic YWRtaW4=", Rejection::CredentialIncomplete),
            ("Basic !!", Rejection::CredentialNotBase64),
            ("Basic YTpiYw", Rejection::CredentialNotBase64),
            ("Basic YWRtaW46", Rejection::NoCredential),
            ("Basic OnBhc3N3b3Jk", Rejection::InvalidUserName),
            ("Basic IGFkbWluOnA=", Rejection::InvalidUserName),
            ("Basic CWFkbWluOnA=", Rejection::InvalidUserName),
            ("Basic YTr/", Rejection::NoCredential),
            ("Bearer YWRtaW46eA==", Rejection::NoCredential),
            ("Digest username=\"admin\"", Rejection::NoCredential),
        ] {
            assert_eq!(basic(value).err(), Some(expected), "{value}");
        }
    }

    #[test]
    fn reads_a_header_up_to_its_limit() {
        let header = |length: usize| format!("{:length$}", "Basic YTpi");
        for length in [MAX_AUTHORIZATION - 1, MAX_AUTHORIZATION] {
            assert_eq!(basic(&header(length)).unwrap().username, "a");
        }
        for length in [MAX_AUTHORIZATION + 1, 2 * MAX_AUTHORIZATION] {
            assert_eq!(basic(&header(length)).err(), Some(Rejection::NoCredential));
        }
    }
}
