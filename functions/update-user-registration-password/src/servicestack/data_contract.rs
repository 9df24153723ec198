//! The XML of the response DTOs and their errors, as written by .NET's `DataContractSerializer`.

use xml::{SCHEMA_INSTANCE, escape_text, is_legal};

use super::contract::{
    ARRAYS_NAMESPACE, AUTHENTICATE_RESPONSE, DTO_NAMESPACE, RESPONSE_DTO, TYPES_NAMESPACE,
};
use super::response_status::{ResponseError, ResponseStatus};
use crate::operation::Outcome;

/// Writes `UpdateUserRegistrationPasswordResponse` as an element at `depth` in the document, which
/// is 1 for the root. Data contracts order members by name.
pub(super) fn password_response_element(
    depth: usize,
    status: Option<&ResponseStatus>,
    outcome: Option<&Outcome>,
) -> String {
    let display_name = nillable("DisplayName", outcome.map(|o| &*o.display_name));
    let id = outcome.map_or(0, |o| o.id);
    let reset_email_sent = outcome.is_some_and(|o| o.reset_email_sent);
    let prefix = format!("d{}p1", depth + 1);
    let status = match status {
        Some(status) => format!(
            "<ResponseStatus xmlns:{prefix}=\"{TYPES_NAMESPACE}\">{}</ResponseStatus>",
            status_xml(&format!("{prefix}:"), depth + 2, Some(status))
        ),
        None => format!("<ResponseStatus xmlns:{prefix}=\"{TYPES_NAMESPACE}\" i:nil=\"true\" />"),
    };
    element(
        RESPONSE_DTO,
        DTO_NAMESPACE,
        &format!(
            "{display_name}<Id>{id}</Id><ResetEmailSent>{reset_email_sent}</ResetEmailSent>{status}"
        ),
    )
}

/// Writes `AuthenticateResponse` as an element at `depth` in the document, which is 1 for the root.
/// `members` are its text members. The data contract numbers the members, so they stay in the order
/// of their declaration.
pub(super) fn authenticate_response_element(
    depth: usize,
    status: Option<&ResponseStatus>,
    members: &[(&'static str, Option<&str>)],
) -> String {
    let members: String = members
        .iter()
        .map(|(name, text)| nillable(name, *text))
        .collect();
    let status = status_xml("", depth + 2, status);
    let meta = meta("", depth + 1);
    element(
        AUTHENTICATE_RESPONSE,
        TYPES_NAMESPACE,
        &format!("{members}<ResponseStatus>{status}</ResponseStatus>{meta}"),
    )
}

/// Writes ServiceStack's `ErrorResponse` as a root element.
pub(super) fn error_response_element(status: &ResponseStatus) -> String {
    let status = status_xml("", 3, Some(status));
    let body = format!("<ResponseStatus>{status}</ResponseStatus>");
    element("ErrorResponse", TYPES_NAMESPACE, &body)
}

/// Writes a document with this root element.
pub(super) fn document(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{root}")
}

fn element(name: &str, namespace: &str, body: &str) -> String {
    format!("<{name} xmlns:i=\"{SCHEMA_INSTANCE}\" xmlns=\"{namespace}\">{body}</{name}>")
}

/// Writes the children of a `ResponseStatus`, which are all null if it is `None`. The serialiser
/// names the prefixes that it generates after their `depth` in the document, for example `d3p1`.
fn status_xml(prefix: &str, depth: usize, status: Option<&ResponseStatus>) -> String {
    let errors = match status.and_then(|status| status.errors.as_deref()) {
        None => nil(prefix, "Errors"),
        Some([]) => format!("<{prefix}Errors />"),
        Some(errors) => {
            let errors: String = errors
                .iter()
                .map(|error| error_xml(prefix, depth + 2, error))
                .collect();
            format!("<{prefix}Errors>{errors}</{prefix}Errors>")
        }
    };
    let text = |name, text: Option<&str>| match text {
        Some(text) => text_element(prefix, name, text),
        None => nil(prefix, name),
    };
    [
        text("ErrorCode", status.map(|status| &*status.error_code)),
        text("Message", status.map(|status| &*status.message)),
        nil(prefix, "StackTrace"),
        errors,
        meta(prefix, depth),
    ]
    .concat()
}

fn error_xml(prefix: &str, depth: usize, error: &ResponseError) -> String {
    let arrays = format!("d{depth}p1:");
    let entries: String = error
        .meta
        .iter()
        .map(|(key, value)| {
            let key = text_element(&arrays, "Key", key);
            let value = text_element(&arrays, "Value", value);
            format!("<{arrays}KeyValueOfstringstring>{key}{value}</{arrays}KeyValueOfstringstring>")
        })
        .collect();
    let meta = if entries.is_empty() {
        meta(prefix, depth)
    } else {
        format!("<{prefix}Meta xmlns:d{depth}p1=\"{ARRAYS_NAMESPACE}\">{entries}</{prefix}Meta>")
    };
    [
        format!("<{prefix}ResponseError>"),
        text_element(prefix, "ErrorCode", error.error_code),
        text_element(prefix, "FieldName", error.field_name),
        text_element(prefix, "Message", &error.message),
        meta,
        format!("</{prefix}ResponseError>"),
    ]
    .concat()
}

/// Writes a member, as null if it has no text.
fn nillable(name: &str, text: Option<&str>) -> String {
    text.map_or_else(|| nil("", name), |text| text_element("", name, text))
}

fn nil(prefix: &str, name: &str) -> String {
    format!("<{prefix}{name} i:nil=\"true\" />")
}

/// Writes `Meta` as null, at `depth` in the document.
fn meta(prefix: &str, depth: usize) -> String {
    format!("<{prefix}Meta xmlns:d{depth}p1=\"{ARRAYS_NAMESPACE}\" i:nil=\"true\" />")
}

/// Writes an element with text. Characters that XML does not allow become U+FFFD. The original
/// wrote references to them, which no strict parser accepts.
fn text_element(prefix: &str, name: &str, text: &str) -> String {
    let mut element = format!("<{prefix}{name}>");
    let legal = text.replace(|c| !is_legal(c), "\u{fffd}");
    escape_text(&legal, &mut element);
    element.push_str("</");
    element.push_str(prefix);
    element.push_str(name);
    element.push('>');
    element
}
