//! Compressed bodies.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder};
use http::header;
use shared::lambda::Request;

/// Longest body that is read, in bytes, before and after decompression.
const MAX_BODY: usize = 256 * 1024;

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// It is longer than the service reads.
    TooLong,
    /// It is not compressed as it says.
    Corrupt,
}

/// Body without the compression that `Content-Encoding` names: `gzip`, or `deflate` as .NET
/// understands it, which is RFC 1951 without the frame of RFC 1950. Other values are ignored.
pub(super) fn plain_body(request: &Request) -> Result<Cow<'_, [u8]>, BodyError> {
    let body = request.body.as_slice();
    if body.len() > MAX_BODY {
        return Err(BodyError::TooLong);
    }
    let encoding = request.header(header::CONTENT_ENCODING).unwrap_or_default();
    match &*encoding {
        // ServiceStack does not read a body of no length, whatever it is said to be.
        _ if body.is_empty() => Ok(Cow::Borrowed(body)),
        "gzip" => inflate(GzDecoder::new(body)).map(Cow::Owned),
        "deflate" => inflate(DeflateDecoder::new(body)).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(body)),
    }
}

/// Decompresses up to one byte more than is allowed.
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
