//! The response DTOs, as values and as XML.

use super::contract::{AUTHENTICATE, REQUEST_DTO};
use super::data_contract::{authenticate_response_element, password_response_element};
use super::failure::Failure;
use super::response_status::ResponseStatus;
use super::value::Value;
use crate::authenticate::{Authenticated, Caller};
use crate::operation::Outcome;

/// The response DTO of an operation. A failure has the same members, with default values, and a
/// `ResponseStatus`.
pub trait ResponseDto: Sized {
    /// The request DTO, which names the file of an answer in CSV.
    const REQUEST: &'static str;

    /// Returns the members in the order of their declaration.
    fn value(status: Value, outcome: Option<&Self>) -> Value;

    /// Writes an XML element at `depth` in the document, which is 1 for the root.
    fn element(depth: usize, status: Option<&ResponseStatus>, outcome: Option<&Self>) -> String;

    /// Returns the `ResponseStatus` of a success.
    #[must_use]
    fn success() -> Value {
        Value::Null
    }

    /// Adapts a failure to this operation.
    #[must_use]
    fn failure(failure: Failure) -> Failure {
        failure
    }
}

impl ResponseDto for Outcome {
    const REQUEST: &'static str = REQUEST_DTO;

    fn value(status: Value, outcome: Option<&Self>) -> Value {
        let display_name = outcome.map_or(Value::Null, |o| Value::text(&o.display_name));
        Value::Object(vec![
            ("ResponseStatus", status),
            ("Id", Value::Number(outcome.map_or(0, |o| o.id))),
            ("DisplayName", display_name),
            (
                "ResetEmailSent",
                Value::Bool(outcome.is_some_and(|o| o.reset_email_sent)),
            ),
        ])
    }

    fn element(depth: usize, status: Option<&ResponseStatus>, outcome: Option<&Self>) -> String {
        password_response_element(depth, status, outcome)
    }
}

impl ResponseDto for Authenticated {
    const REQUEST: &'static str = AUTHENTICATE;

    fn value(status: Value, outcome: Option<&Self>) -> Value {
        let members = members(outcome);
        let texts = members
            .iter()
            .map(|(name, text)| (*name, text.as_deref().map_or(Value::Null, Value::text)));
        let rest = [("ResponseStatus", status), ("Meta", Value::Null)];
        Value::Object(texts.chain(rest).collect())
    }

    fn element(depth: usize, status: Option<&ResponseStatus>, outcome: Option<&Self>) -> String {
        let members = members(outcome);
        let texts = members.iter().map(|(name, text)| (*name, text.as_deref()));
        authenticate_response_element(depth, status, &texts.collect::<Vec<_>>())
    }

    /// Returns an empty `ResponseStatus`, while other operations have none.
    fn success() -> Value {
        Value::Object(vec![])
    }

    /// Puts everything that the service itself refuses, including a wrong password, into the
    /// response DTO.
    fn failure(failure: Failure) -> Failure {
        failure.in_response_dto()
    }
}

/// The text members of `AuthenticateResponse`. Those of other providers are null.
fn members(outcome: Option<&Authenticated>) -> [(&'static str, Option<String>); 7] {
    let caller = match outcome {
        Some(Authenticated::LoggedIn(caller, _) | Authenticated::Known(caller)) => Some(caller),
        Some(Authenticated::LoggedOut) | None => None,
    };
    let session = |caller: &Caller| Some(caller.session.as_ref()?.expose().to_owned());
    [
        ("UserId", caller.map(|caller| caller.id.to_string())),
        ("SessionId", caller.and_then(session)),
        ("UserName", caller.map(|caller| caller.username.clone())),
        (
            "DisplayName",
            caller.map(|caller| caller.display_name.clone()),
        ),
        ("ReferrerUrl", None),
        ("BearerToken", None),
        ("RefreshToken", None),
    ]
}
