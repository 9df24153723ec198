//! Decoding of calls of `Authenticate`: ServiceStack's login, logout and status, which the provider
//! selects.

use password::is_blank;
use shared::lambda::Request;

use super::credential::caller;
use super::decode::decode_dto;
use super::members::Authenticate;
use super::origin::is_cross_site;
use super::session::session;
use super::verb::verb;
use crate::authenticate::{Call, Login};
use crate::authentication::PasswordCredential;
use crate::servicestack::contract::AUTHENTICATE;
use crate::servicestack::endpoint::Endpoint;
use crate::servicestack::rejection::{LoginMember, Rejection};

/// Reads a call. Refuses one that a page of another site made a browser send, since it could log
/// the user out, or log them in under another name. A provider in the path takes precedence over
/// one in the body. Without a provider, the call is a login if there is a user name, else a status
/// call.
pub fn authenticate(
    endpoint: Endpoint,
    of_path: Option<&str>,
    request: &Request,
) -> Result<Call, Rejection> {
    if is_cross_site(request) {
        return Err(Rejection::CrossSite);
    }
    let dto: Authenticate = decode_dto(endpoint, request)?;
    let provider = of_path.or(dto.provider.as_deref()).unwrap_or_default();
    match provider.to_ascii_lowercase().as_str() {
        "logout" => Ok(Call::Logout(session(request).map(|sent| sent.id))),
        "credentials" | "login" => log_in(dto, request),
        "" if dto.username.is_some() => log_in(dto, request),
        "" | "basic" => caller(request, true).map(Call::Status),
        _ => Err(Rejection::UnknownProvider(provider.to_owned())),
    }
}

fn log_in(dto: Authenticate, request: &Request) -> Result<Call, Rejection> {
    if !verb(request).eq_ignore_ascii_case("POST") {
        return Err(Rejection::VerbNotAllowed {
            operation: AUTHENTICATE,
            allowed: "POST",
        });
    }
    let username = dto.username.filter(|name| !name.trim().is_empty());
    let password = dto.password.filter(|password| !is_blank(password));
    match (username, password) {
        (Some(username), Some(_)) if username.trim() != username => Err(Rejection::InvalidUserName),
        (Some(username), Some(password)) => Ok(Call::Login(Login {
            credential: PasswordCredential { username, password },
            is_permanent: dto.remember_me,
            replaced: session(request).map(|sent| sent.id),
        })),
        (username, password) => {
            let no_name = username.is_none().then_some(LoginMember::UserName);
            let no_password = password.is_none().then_some(LoginMember::Password);
            let missing = no_name.into_iter().chain(no_password).collect();
            Err(Rejection::LoginIncomplete { missing })
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn log_in_as(username: &str) -> Result<Call, Rejection> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let body = format!("UserName={username}&Password=secret").into_bytes();
        let request = Request::new(Method::POST, "/auth/credentials", headers, body);
        authenticate(
            Endpoint::Route { suffix: None },
            Some("credentials"),
            &request,
        )
    }

    /// The rule is that of HTTP Basic authentication.
    #[test]
    fn a_user_name_has_no_white_space_around_it() {
        for username in ["+admin", "admin+", "%09admin", "admin%0D%0A", "%C2%A0admin"] {
            let rejection = log_in_as(username).err();
            assert_eq!(rejection, Some(Rejection::InvalidUserName), "{username}");
        }
        for username in ["admin", "ad+min"] {
            assert!(
                matches!(log_in_as(username), Ok(Call::Login(_))),
                "{username}"
            );
        }
    }
}
