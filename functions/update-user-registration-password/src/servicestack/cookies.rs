//! The cookies of a session, with the names of ServiceStack's `SessionFeature`.

use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE};
use shared::clock::Timestamp;
use shared::lambda::Request;

use crate::authenticate::{Authenticated, Caller, OpenedSession};

const SECONDS_PER_DAY: u64 = 86_400;
/// The lifetime of every cookie except `ss-id`: twenty years, independent of the session's
/// lifetime.
const LIFETIME_SECONDS: u64 = 7_305 * SECONDS_PER_DAY;

/// Makes the headers of an answer of `Authenticate`: cookies to set or delete. Caches must not
/// store the answer, which may contain the id of a session (ASVS 5.0 14.3.2).
pub fn cookies(authenticated: &Authenticated, request: &Request, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let cookies = match authenticated {
        Authenticated::LoggedIn(caller, session) => opened(caller, session, now),
        Authenticated::LoggedOut => closed(now),
        Authenticated::Known(_) => vec![],
    };
    // Scripts cannot read the cookie, pages of other sites do not send it, and it is not sent
    // unencrypted.
    let is_https = request.url().starts_with("https:");
    let secure = if is_https { ";Secure" } else { "" };
    for cookie in cookies {
        let cookie = format!("{cookie};HttpOnly;SameSite=Strict{secure}");
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            cookie.set_sensitive(true);
            headers.append(SET_COOKIE, cookie);
        }
    }
    headers
}

/// Makes the cookies of an opened session. One of the two ids is the session's; the other belongs
/// to no session.
fn opened(caller: &Caller, session: &OpenedSession, now: Timestamp) -> Vec<String> {
    let (id, unused_id) = (session.id.expose(), session.unused_id.expose());
    let (temporary, permanent, option) = if session.is_permanent {
        (unused_id, id, "perm")
    } else {
        (id, unused_id, "temp")
    };
    let expires = now.plus_seconds(LIFETIME_SECONDS).http_date();
    let lasting = |name: &str, value: &str| format!("{name}={value};path=/;expires={expires}");
    vec![
        format!("ss-id={temporary};path=/"),
        lasting("ss-pid", permanent),
        lasting("ss-opt", option),
        lasting("X-UAId", &caller.id.to_string()),
    ]
}

fn closed(now: Timestamp) -> Vec<String> {
    let yesterday = Timestamp(now.0.saturating_sub(SECONDS_PER_DAY)).http_date();
    ["ss-id", "ss-pid", "X-UAId"]
        .map(|name| format!("{name}=;path=/;expires={yesterday}"))
        .into()
}
