//! Decoding of requests into calls.

use shared::lambda::Request;

use super::call::{Binding, Call};
use super::protocols::Protocols;
use super::rejection::Rejection;
use super::{form, soap};

/// Reads a call that was routed to `binding`.
///
/// # Errors
///
/// Returns the answer that the legacy server would have sent instead of calling the operation.
pub fn decode(
    protocols: Protocols,
    binding: Binding,
    request: &Request,
) -> Result<Call, Rejection> {
    match binding {
        Binding::Soap(guessed) => soap::decode(protocols, guessed, request),
        Binding::HttpGet => form::decode_query(request),
        Binding::HttpPost => form::decode_body(request),
    }
}
