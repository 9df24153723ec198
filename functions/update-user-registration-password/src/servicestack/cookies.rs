//! The cookies of a session, as ServiceStack's `SessionFeature` names them.

use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE};
use shared::clock::Timestamp;
use shared::lambda::Request;

use crate::authenticate::{Authenticated, Caller, OpenedSession};

const SECONDS_A_DAY: u64 = 86_400;
/// Lifetime of every cookie but `ss-id`: twenty years, whatever the session's own is.
const LIFETIME_SECONDS: u64 = 7_305 * SECONDS_A_DAY;

/// Headers of an answer of `Authenticate`: cookies to keep or to forget. What may hold the id of a
/// session is stored by no cache (ASVS 5.0 14.3.2).
pub fn cookies(authenticated: &Authenticated, request: &Request, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let cookies = match authenticated {
        Authenticated::LoggedIn(caller, session) => opened(caller, session, now),
        Authenticated::LoggedOut => closed(now),
        Authenticated::Known(_) => vec![],
    };
    // Scripts do not see it, other sites' pages do not send it, and it does not travel in clear.
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

/// One of the two ids is the session's, the other is of no use.
fn opened(caller: &Caller, session: &OpenedSession, now: Timestamp) -> Vec<String> {
    let (id, idle_id) = (session.id.expose(), session.idle_id.expose());
    let (temporary, permanent, option) = if session.is_permanent {
        (idle_id, id, "perm")
    } else {
        (id, idle_id, "temp")
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
    let yesterday = Timestamp(now.0.saturating_sub(SECONDS_A_DAY)).http_date();
    ["ss-id", "ss-pid", "X-UAId"]
        .map(|name| format!("{name}=;path=/;expires={yesterday}"))
        .into()
}
