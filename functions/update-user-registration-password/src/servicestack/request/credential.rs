//! The credential of a request: Basic authentication, which takes precedence, or a session.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use http::header;
use password::{ExposeSecret as _, Secret};
use shared::lambda::Request;

use super::header::value;
use super::origin::{is_cross_site, is_same_origin};
use super::session::session;
use crate::authentication::PasswordCredential;
use crate::caller::Credential;
use crate::servicestack::rejection::Rejection;

/// The maximum length of an `Authorization` header, in bytes. A user name of 256 bytes with a
/// password of 128 characters takes at most 1,034.
const MAX_AUTHORIZATION: usize = 4 * 1024;

/// Base64 as in .NET, where unused bits may be set.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Reads the credential of a call that changes something. Refuses a call that a page of another
/// site made a browser send. If the credential is a cookie and an HTML form could have sent the body,
/// the browser must also confirm that the page belongs to this site, because a browser without
/// Fetch Metadata does not reveal that a page belongs to another site.
pub fn credential(request: &Request, sessions: bool) -> Result<Credential, Rejection> {
    let is_by_cookie = || session(request).is_some_and(|session| session.is_cookie);
    let credential = caller(request, sessions)?;
    match credential {
        Credential::Session(_)
            if is_by_cookie() && is_form(request) && !is_same_origin(request) =>
        {
            Err(Rejection::CrossSite)
        }
        credential => Ok(credential),
    }
}

/// Reads `Authorization: Basic` (RFC 7617, UTF-8) or else, if `sessions` are enabled, the id of a
/// session. Refuses a request that a page of another site made a browser send.
///
/// A missing credential and an empty password are [`Rejection::NoCredential`], which is answered
/// with a challenge. Bytes that are not UTF-8 are answered like a wrong password, because .NET
/// reads them as U+FFFD and finds no such account.
pub(super) fn caller(request: &Request, sessions: bool) -> Result<Credential, Rejection> {
    if is_cross_site(request) {
        return Err(Rejection::CrossSite);
    }
    let authorization = request.header(header::AUTHORIZATION).unwrap_or_default();
    if let Some(credential) = basic(&authorization)? {
        return Ok(Credential::Password(credential));
    }
    let session = session(request).filter(|_| sessions);
    let session = session.ok_or(Rejection::NoCredential)?;
    Ok(Credential::Session(session.id))
}

/// Whether an HTML form can send a body of this type to another site: the type needs no CORS
/// preflight (Fetch, "CORS-safelisted request-header"), or is missing.
fn is_form(request: &Request) -> bool {
    const FORMS: [&str; 4] = [
        "",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ];
    let content_type = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let media_type = value(&content_type);
    FORMS
        .iter()
        .any(|form| form.eq_ignore_ascii_case(media_type))
}

/// Reads the credential in an `Authorization` header. `None` if the header is empty or has another
/// scheme.
fn basic(value: &str) -> Result<Option<PasswordCredential>, Rejection> {
    if value.trim().is_empty() {
        return Ok(None);
    }
    if value.len() > MAX_AUTHORIZATION {
        return Err(Rejection::NoCredential);
    }
    let (scheme, encoded) = value
        .split_once(' ')
        .ok_or(Rejection::CredentialIncomplete)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let encoded: String = encoded.split_ascii_whitespace().collect();
    let decoded = BASE64
        .decode(encoded)
        .map_err(|_| Rejection::CredentialNotBase64)?;
    let decoded = String::from_utf8(decoded).map_err(|_| Rejection::InvalidUserName)?;
    let decoded = Secret::from(decoded);
    let (username, password) = decoded
        .expose_secret()
        .split_once(':')
        .ok_or(Rejection::CredentialIncomplete)?;
    if password.is_empty() {
        return Err(Rejection::NoCredential);
    }
    // Keys of accounts are trimmed, but the original compared the name as it was sent.
    if username.is_empty() || username.trim() != username {
        return Err(Rejection::InvalidUserName);
    }
    Ok(Some(PasswordCredential {
        username: username.to_owned(),
        password: Secret::from(password.to_owned()),
    }))
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
            let credential = basic(value).unwrap().unwrap();
            assert_eq!(credential.username, "admin");
            assert_eq!(credential.password.expose_secret(), "p@55:wOrd");
        }
        for encoded in ["YTpi", "YTpiYw==", "YTpiYx=="] {
            assert_eq!(
                basic(&format!("Basic {encoded}"))
                    .unwrap()
                    .unwrap()
                    .username,
                "a"
            );
        }
    }

    #[test]
    fn reads_nothing_else() {
        for (value, expected) in [
            ("Basic", Rejection::CredentialIncomplete),
            ("Basic ", Rejection::CredentialIncomplete),
            ("Basic YWRtaW4=", Rejection::CredentialIncomplete),
            ("Basic !!", Rejection::CredentialNotBase64),
            ("Basic YTpiYw", Rejection::CredentialNotBase64),
            ("Basic YWRtaW46", Rejection::NoCredential),
            ("Basic OnBhc3N3b3Jk", Rejection::InvalidUserName),
            ("Basic IGFkbWluOnA=", Rejection::InvalidUserName),
            ("Basic CWFkbWluOnA=", Rejection::InvalidUserName),
            ("Basic YTr/", Rejection::InvalidUserName),
        ] {
            assert_eq!(basic(value).err(), Some(expected), "{value}");
        }
        for value in ["", " ", "Bearer YWRtaW46eA==", "Digest username=\"admin\""] {
            assert!(basic(value).unwrap().is_none(), "{value}");
        }
    }

    #[test]
    fn reads_a_header_up_to_its_limit() {
        let header = |length: usize| format!("{:length$}", "Basic YTpi");
        for length in [4_095, 4_096] {
            let credential = basic(&header(length)).unwrap().unwrap();
            assert_eq!(credential.username, "a");
        }
        for length in [4_097, 8_192] {
            assert_eq!(basic(&header(length)).err(), Some(Rejection::NoCredential));
        }
    }
}
