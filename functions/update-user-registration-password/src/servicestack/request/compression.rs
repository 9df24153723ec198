//! Decompression of bodies.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder};
use http::header;
use shared::lambda::Request;

/// The maximum length of a body in bytes, before and after decompression.
const MAX_BODY: usize = 256 * 1024;

/// The reason a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It exceeds the maximum length.
    TooLong,
    /// It is not compressed as `Content-Encoding` says.
    Corrupt,
}

/// Decompresses a body by its `Content-Encoding`: `gzip`, or `deflate` as in .NET, which is raw
/// DEFLATE (RFC 1951) without the zlib wrapper (RFC 1950). Other values are ignored.
pub(super) fn plain_body(request: &Request) -> Result<Cow<'_, [u8]>, BodyError> {
    let body = request.body.as_slice();
    if body.len() > MAX_BODY {
        return Err(BodyError::TooLong);
    }
    let encoding = request.header(header::CONTENT_ENCODING).unwrap_or_default();
    match &*encoding {
        "gzip" => inflate(GzDecoder::new(body)).map(Cow::Owned),
        "deflate" => inflate(DeflateDecoder::new(body)).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(body)),
    }
}

/// Decompresses at most one byte more than the maximum length.
fn inflate(decoder: impl Read) -> Result<Vec<u8>, BodyError> {
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    decoder
        .take(limit.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|_| BodyError::Corrupt)?;
    if plain.len() > MAX_BODY {
        return Err(BodyError::TooLong);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder};
    use http::{HeaderMap, Method};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn plain(encoding: &str, body: Vec<u8>) -> Result<Vec<u8>, BodyError> {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, encoding.parse().unwrap())]);
        let request = Request::new(Method::POST, "/", headers, body);
        plain_body(&request).map(Cow::into_owned)
    }

    #[test]
    fn a_body_is_decompressed_as_its_encoding_says() {
        for (encoding, body) in [
            ("gzip", gzip(b"plain")),
            ("deflate", deflate(b"plain")),
            ("identity", b"plain".to_vec()),
            ("br", b"plain".to_vec()),
        ] {
            assert_eq!(plain(encoding, body), Ok(b"plain".to_vec()), "{encoding}");
        }
        for (encoding, body) in [("gzip", deflate(b"plain")), ("deflate", gzip(b"plain"))] {
            assert_eq!(plain(encoding, body), Err(BodyError::Corrupt), "{encoding}");
        }
    }

    #[test]
    fn no_body_is_longer_than_the_limit_before_or_after_decompression() {
        let body = |length: usize| vec![b'x'; length];
        for length in [0, 1, MAX_BODY] {
            for (encoding, body) in [
                ("identity", body(length)),
                ("gzip", gzip(&body(length))),
                ("deflate", deflate(&body(length))),
            ] {
                let length_of_plain = plain(encoding, body).map(|plain| plain.len());
                assert_eq!(length_of_plain, Ok(length), "{encoding}");
            }
        }
        for length in [MAX_BODY + 1, MAX_BODY + 2, 2 * MAX_BODY] {
            for (encoding, body) in [
                ("identity", body(length)),
                ("gzip", gzip(&body(length))),
                ("deflate", deflate(&body(length))),
            ] {
                assert_eq!(plain(encoding, body), Err(BodyError::TooLong), "{encoding}");
            }
        }
    }
}
