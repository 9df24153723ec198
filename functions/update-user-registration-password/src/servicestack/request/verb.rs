//! The verb of a request.

use std::borrow::Cow;

use shared::lambda::Request;

use super::form::form_value;
use crate::servicestack::format::query_value;

/// The verb of the request. Clients that cannot send every verb may name it in the header
/// `X-HTTP-Method-Override`, or in a parameter of the query or a form with the same name.
pub(in crate::servicestack) fn verb(request: &Request) -> String {
    let name = "x-http-method-override";
    let of_header = request.header(name).map(Cow::into_owned);
    let verb = of_header
        .or_else(|| query_value(request, name))
        .or_else(|| form_value(request, name));
    verb.filter(|verb| !verb.is_empty())
        .unwrap_or_else(|| request.method.to_string())
}
