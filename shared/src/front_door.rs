//! The front door: an optional CloudFront distribution in front of the API, and the headers that
//! are trusted because of it.
//!
//! Any caller can send any header. CloudFront's headers are trusted only in a request with the
//! secret that the distribution adds (CloudFront developer guide, "Restrict access to files on
//! custom origins"). `X-Forwarded-For` and `Forwarded` are never read, because callers can write
//! both.

use std::net::{IpAddr, Ipv6Addr};

use http::header::{Entry, HeaderMap, HeaderValue};
use password::{ExposeSecret as _, Secret};
use subtle::{Choice, ConstantTimeEq as _};

/// The header with the secret. CloudFront adds it to each request to the origin, and overwrites a
/// header of this name that the viewer sent.
pub const SECRET_HEADER: &str = "x-front-door-secret";
/// The address and port of the viewer, as CloudFront saw them.
pub const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";
/// The scheme that the viewer used, `http` or `https`.
pub const FORWARDED_PROTO: &str = "cloudfront-forwarded-proto";

/// The minimum length of a secret, in characters.
pub const MIN_SECRET_LENGTH: usize = 32;

/// The front door of the API, if it has one, and the secrets that identify its requests.
#[derive(Debug, Clone, Default)]
pub enum FrontDoor {
    /// The API is called directly, and no header identifies the caller.
    #[default]
    None,
    /// CloudFront, which sends one of these secrets. There are two while a new one replaces the old
    /// one.
    CloudFront(Vec<Secret>),
}

/// The caller, as seen by the front door.
#[derive(Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The address. `None` if CloudFront's header is missing or malformed.
    pub address: Option<IpAddr>,
    /// `http` or `https`.
    pub scheme: &'static str,
}

/// The error for a request that did not come through the front door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bypassed;

impl FrontDoor {
    /// Returns the viewer that CloudFront names in these headers, or `None` if there is no front
    /// door, so that the gateway's own information counts.
    ///
    /// Removes the headers that only a front door may send, so that later code neither sees the
    /// secret nor trusts one of them.
    ///
    /// # Errors
    /// [`Bypassed`] if there is a front door and the request has none of its secrets.
    pub fn admit(&self, headers: &mut HeaderMap) -> Result<Option<Viewer>, Bypassed> {
        let secret = take(headers, SECRET_HEADER);
        let address = take(headers, VIEWER_ADDRESS);
        let scheme = take(headers, FORWARDED_PROTO);
        let Self::CloudFront(secrets) = self else {
            return Ok(None);
        };
        if !secret.is_some_and(|sent| is_one_of(secrets, sent.as_bytes())) {
            return Err(Bypassed);
        }
        Ok(Some(Viewer {
            address: address.and_then(|address| viewer_address(address.to_str().ok()?)),
            scheme: match scheme {
                Some(scheme) if scheme == "http" => "http",
                _ => "https",
            },
        }))
    }
}

/// Removes a header. Returns its value if it had exactly one.
fn take(headers: &mut HeaderMap, name: &'static str) -> Option<HeaderValue> {
    let Entry::Occupied(entry) = headers.entry(name) else {
        return None;
    };
    let (_, mut values) = entry.remove_entry_mult();
    let first = values.next();
    first.filter(|_| values.next().is_none())
}

/// Compares with every secret, each in constant time. The duration reveals at most the length of a
/// secret.
fn is_one_of(secrets: &[Secret], sent: &[u8]) -> bool {
    let is_same = |secret: &Secret| secret.expose_secret().as_bytes().ct_eq(sent);
    let none = Choice::from(0);
    let is_any = secrets.iter().map(is_same).fold(none, |any, is| any | is);
    is_any.into()
}

/// Parses the address in `198.51.100.10:46532` or `2001:db8::7334:46532`. CloudFront writes no
/// brackets around an IPv6 address. They are accepted too, because other notations with a port use
/// them.
fn viewer_address(value: &str) -> Option<IpAddr> {
    let (address, port) = value.rsplit_once(':')?;
    let is_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let address = match address.strip_prefix('[') {
        Some(bracketed) => IpAddr::V6(bracketed.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
        None => address.parse().ok()?,
    };
    is_port.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const NEXT: &str = "fedcba9876543210fedcba9876543210";

    fn cloudfront() -> FrontDoor {
        FrontDoor::CloudFront([SECRET, NEXT].map(Secret::from).into())
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn viewer(address: &str, scheme: &'static str) -> Viewer {
        let address = Some(address.parse().unwrap());
        Viewer { address, scheme }
    }

    #[test]
    fn cloudfront_is_trusted_with_either_secret() {
        for secret in [SECRET, NEXT] {
            let mut headers = headers(&[
                (SECRET_HEADER, secret),
                (VIEWER_ADDRESS, "198.51.100.10:46532"),
                (FORWARDED_PROTO, "http"),
            ]);
            let admitted = cloudfront().admit(&mut headers);
            assert_eq!(admitted, Ok(Some(viewer("198.51.100.10", "http"))));
        }
    }

    #[test]
    fn without_its_secret_a_request_is_refused() {
        let longer = format!("{SECRET}0");
        for secrets in [
            &[][..],
            &[""],
            &["wrong"],
            &[&SECRET[1..]],
            &[&longer],
            &["0123456789ABCDEF0123456789ABCDEF"],
            &["0123456789abcdef0123456789abcde0"],
            &["wrong", SECRET],
            &[SECRET, SECRET],
            &["0123456789abcdef0123456789abcdef,fedcba9876543210fedcba9876543210"],
        ] {
            let fields: Vec<_> = secrets.iter().map(|s| (SECRET_HEADER, *s)).collect();
            let mut headers = headers(&fields);
            headers.insert(VIEWER_ADDRESS, "198.51.100.10:1".parse().unwrap());
            assert_eq!(
                cloudfront().admit(&mut headers),
                Err(Bypassed),
                "{secrets:?}"
            );
        }
    }

    #[test]
    fn without_a_front_door_no_header_is_trusted() {
        let mut headers = headers(&[
            (SECRET_HEADER, SECRET),
            (VIEWER_ADDRESS, "198.51.100.10:46532"),
            (FORWARDED_PROTO, "http"),
        ]);
        assert_eq!(FrontDoor::None.admit(&mut headers), Ok(None));
    }

    #[test]
    fn front_door_headers_are_removed() {
        for door in [FrontDoor::None, cloudfront()] {
            for secret in [SECRET, "wrong"] {
                let mut headers = headers(&[
                    (SECRET_HEADER, secret),
                    (SECRET_HEADER, secret),
                    (VIEWER_ADDRESS, "198.51.100.10:46532"),
                    (FORWARDED_PROTO, "http"),
                    ("host", "example.com"),
                ]);
                let _ = door.admit(&mut headers);
                let left: Vec<_> = headers.keys().collect();
                assert_eq!(left, [http::header::HOST]);
            }
        }
    }

    #[test]
    fn a_scheme_that_is_not_http_is_https() {
        for (fields, scheme) in [
            (&[][..], "https"),
            (&["https"], "https"),
            (&["gopher"], "https"),
            (&["http", "http"], "https"),
            (&["http"], "http"),
        ] {
            let mut headers = headers(&[(SECRET_HEADER, SECRET)]);
            for value in fields {
                headers.append(FORWARDED_PROTO, value.parse().unwrap());
            }
            let admitted = cloudfront().admit(&mut headers).unwrap().unwrap();
            assert_eq!(admitted.scheme, scheme, "{fields:?}");
            assert_eq!(admitted.address, None);
        }
    }

    #[test]
    fn an_address_has_its_port_after_the_last_colon() {
        for (value, expected) in [
            ("198.51.100.10:46532", "198.51.100.10"),
            ("2001:db8::8a2e:370:7334:46532", "2001:db8::8a2e:370:7334"),
            ("2001:db8:0:0:0:0:0:1:80", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("::ffff:198.51.100.10:80", "::ffff:198.51.100.10"),
        ] {
            assert_eq!(viewer_address(value), Some(expected.parse().unwrap()));
        }
        for value in [
            "",
            ":80",
            "198.51.100.10",
            "198.51.100.10:",
            "198.51.100.10:65536",
            "198.51.100.10:+80",
            "198.51.100.10:80:80",
            "198.51.100.010:80",
            " 198.51.100.10:80",
            "198.51.100.10:80,203.0.113.1:80",
            "[198.51.100.10]:80",
            "2001:db8::",
            "[2001:db8::1]",
            "example.com:80",
            "unknown",
        ] {
            assert_eq!(viewer_address(value), None, "{value}");
        }
    }

    #[test]
    fn no_secret_is_in_debug_output() {
        assert!(!format!("{:?}", cloudfront()).contains(SECRET));
    }
}
