//! The origin of a call, according to browsers.

use std::borrow::Cow;

use http::header;
use shared::lambda::Request;

/// Whether a page of another origin made a browser send the request.
///
/// With every request, a browser sends the Basic credential that it knows, so a form on a page of
/// another origin could set passwords. `Sec-Fetch-Site` (W3C Fetch Metadata) and `Origin` (RFC 6454
/// section 7) reveal the origin, and no page can change them. Programs rarely send either. A page
/// of another subdomain counts as another site: no such page could read an answer of the original,
/// and an attacker needs to take over only one subdomain.
pub(super) fn is_cross_site(request: &Request) -> bool {
    let origin = request.header(header::ORIGIN);
    match request.header("sec-fetch-site").as_deref() {
        Some("same-origin") => false,
        None | Some("none") => origin.is_some_and(|origin| !is_own(&origin, request)),
        Some(_) => true,
    }
}

/// Whether the browser says that a page of this origin made it send the request.
pub(super) fn is_same_origin(request: &Request) -> bool {
    let is_named = |origin: Cow<'_, str>| is_own(&origin, request);
    request.header("sec-fetch-site").as_deref() == Some("same-origin")
        || request.header(header::ORIGIN).is_some_and(is_named)
}

fn is_own(origin: &str, request: &Request) -> bool {
    let url = request.url();
    let path = url.splitn(4, '/').nth(3).map_or(0, |path| path.len() + 1);
    let service = url.get(..url.len() - path).unwrap_or_default();
    without_default_port(service).eq_ignore_ascii_case(origin)
}

/// An origin without its default port, as written by browsers (RFC 6454 section 6.1).
fn without_default_port(origin: &str) -> &str {
    let port = match origin.split_once(':') {
        Some(("https", _)) => ":443",
        _ => ":80",
    };
    origin.strip_suffix(port).unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, Method};

    use super::*;

    #[test]
    fn only_pages_of_this_origin_may_call() {
        for (headers, expected) in [
            (&[][..], false),
            (
                &[("sec-fetch-site", "same-origin"), ("origin", "null")],
                false,
            ),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (
                &[
                    ("sec-fetch-site", "none"),
                    ("origin", "https://evil.example"),
                ],
                true,
            ),
            (&[("origin", "https://api.example.com")], false),
            (&[("origin", "HTTPS://API.example.com")], false),
            (&[("origin", "http://api.example.com")], true),
            (&[("origin", "https://api.example.com.evil.example")], true),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "")], true),
        ] {
            for host in ["api.example.com", "api.example.com:443"] {
                let mut map = HeaderMap::new();
                map.insert(header::HOST, host.parse().unwrap());
                for (name, value) in headers {
                    let name = HeaderName::try_from(*name).unwrap();
                    map.insert(name, value.parse().unwrap());
                }
                let request = Request::new(Method::POST, "/a/b", map, vec![]);
                assert_eq!(is_cross_site(&request), expected, "{headers:?} {host}");
            }
        }
    }
}
