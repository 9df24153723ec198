//! The session id of a request, in cookies or in equivalent headers.

use http::header::COOKIE;
use shared::lambda::Request;
use shared::sessions::SessionId;

/// A session id, and how it was sent.
pub(super) struct SentSession {
    pub(super) id: SessionId,
    /// Whether it was in a cookie, which a browser sends automatically.
    pub(super) is_cookie: bool,
}

/// Reads the session id of a request: `ss-id` or, with `ss-opt=perm`, `ss-pid`. Each is a cookie or
/// else a header (`X-ss-id`), never a parameter of the query, because access logs contain queries.
pub(super) fn session(request: &Request) -> Option<SentSession> {
    let (options, _) = parameter(request, "ss-opt").unwrap_or_default();
    let is_permanent = options.split(',').any(|option| option.trim() == "perm");
    let name = if is_permanent { "ss-pid" } else { "ss-id" };
    let (sent, is_cookie) = parameter(request, name)?;
    let id = SessionId::parse(&sent)?;
    Some(SentSession { id, is_cookie })
}

/// The value of a cookie or else of a header, and whether it was a cookie.
fn parameter(request: &Request, name: &str) -> Option<(String, bool)> {
    let of_cookie = cookie(request, name).map(|value| (value, true));
    of_cookie.or_else(|| {
        let value = request.header(format!("x-{name}"))?;
        Some((value.into_owned(), false))
    })
}

/// The first cookie with this name (RFC 6265 section 5.4).
fn cookie(request: &Request, name: &str) -> Option<String> {
    let fields = request.headers.get_all(COOKIE).iter();
    let mut cookies = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'))
        .filter_map(|cookie| cookie.split_once('='));
    let (_, value) = cookies.find(|(n, _)| n.trim() == name)?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, Method};

    use super::*;

    const A: &str = "AAAAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "BBBBBBBBBBBBBBBBBBBBBBBB";

    #[test]
    fn cookies_come_before_headers_and_the_option_chooses() {
        for (headers, expected) in [
            (&[("cookie", format!("ss-id={A}"))][..], Some((A, true))),
            (
                &[("cookie", format!("x=y; ss-id={A} ;ss-pid={B}"))],
                Some((A, true)),
            ),
            (
                &[("cookie", format!("ss-id={A}; ss-id={B}"))],
                Some((A, true)),
            ),
            (
                &[("cookie", format!("ss-opt=perm; ss-id={A}; ss-pid={B}"))],
                Some((B, true)),
            ),
            (
                &[
                    ("cookie", "x=y".to_owned()),
                    ("cookie", format!("ss-id={A}")),
                ],
                Some((A, true)),
            ),
            (&[("cookie", format!("ss-pid={A}"))], None),
            (&[("cookie", format!("ss-opt=perm; ss-id={A}"))], None),
            (&[("x-ss-id", A.to_owned())], Some((A, false))),
            (
                &[("cookie", format!("ss-id={A}")), ("x-ss-id", B.to_owned())],
                Some((A, true)),
            ),
            (
                &[("x-ss-pid", A.to_owned()), ("x-ss-opt", "perm".to_owned())],
                Some((A, false)),
            ),
            (&[("x-ss-pid", A.to_owned())], None),
            (&[("cookie", "ss-id=short".to_owned())], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            let request = Request::new(Method::POST, &format!("/?ss-id={B}"), map, vec![]);
            let found = session(&request).map(|sent| (sent.id.expose().to_owned(), sent.is_cookie));
            let found = found
                .as_ref()
                .map(|(id, is_cookie)| (id.as_str(), *is_cookie));
            assert_eq!(found, expected, "{headers:?}");
        }
    }
}
