//! XML of the response DTO and its errors, as .NET's `DataContractSerializer` writes it.

use xml::{SCHEMA_INSTANCE, escape_text};

use super::contract::{ARRAYS_NAMESPACE, DTO_NAMESPACE, RESPONSE_DTO, TYPES_NAMESPACE};
use super::response_status::{ResponseError, ResponseStatus};
use crate::operation::Outcome;

/// XML of the response DTO. Data contracts order members by name.
pub(super) fn dto_xml(status: Option<&ResponseStatus>, outcome: Option<&Outcome>) -> String {
    let display_name = match outcome {
        Some(outcome) => text_element("", "DisplayName", &outcome.display_name),
        None => "<DisplayName i:nil=\"true\" />".to_owned(),
    };
    let id = outcome.map_or(0, |o| o.id);
    let reset_email_sent = outcome.is_some_and(|o| o.reset_email_sent);
    let status = match status {
        Some(status) => format!(
            "<ResponseStatus xmlns:d2p1=\"{TYPES_NAMESPACE}\">{}</ResponseStatus>",
            status_xml("d2p1:", 3, status)
        ),
        None => format!("<ResponseStatus xmlns:d2p1=\"{TYPES_NAMESPACE}\" i:nil=\"true\" />"),
    };
    document(
        RESPONSE_DTO,
        DTO_NAMESPACE,
        &format!(
            "{display_name}<Id>{id}</Id><ResetEmailSent>{reset_email_sent}</ResetEmailSent>{status}"
        ),
    )
}

/// XML of ServiceStack's `ErrorResponse`.
pub(super) fn error_response_xml(status: &ResponseStatus) -> String {
    let status = status_xml("", 3, status);
    let body = format!("<ResponseStatus>{status}</ResponseStatus>");
    document("ErrorResponse", TYPES_NAMESPACE, &body)
}

fn document(root: &str, namespace: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><{root} xmlns:i=\"{SCHEMA_INSTANCE}\" \
         xmlns=\"{namespace}\">{body}</{root}>"
    )
}

/// Children of a `ResponseStatus`. The serialiser names the prefixes it makes up after their `depth`
/// in the document, for instance `d3p1`.
fn status_xml(prefix: &str, depth: usize, status: &ResponseStatus) -> String {
    let errors = match status.errors.as_deref() {
        None => format!("<{prefix}Errors i:nil=\"true\" />"),
        Some([]) => format!("<{prefix}Errors />"),
        Some(errors) => {
            let errors: String = errors
                .iter()
                .map(|error| error_xml(prefix, depth + 2, error))
                .collect();
            format!("<{prefix}Errors>{errors}</{prefix}Errors>")
        }
    };
    [
        text_element(prefix, "ErrorCode", &status.error_code),
        text_element(prefix, "Message", &status.message),
        format!("<{prefix}StackTrace i:nil=\"true\" />"),
        errors,
        format!("<{prefix}Meta xmlns:d{depth}p1=\"{ARRAYS_NAMESPACE}\" i:nil=\"true\" />"),
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
        format!("<{prefix}Meta xmlns:d{depth}p1=\"{ARRAYS_NAMESPACE}\" i:nil=\"true\" />")
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

fn text_element(prefix: &str, name: &str, text: &str) -> String {
    let mut element = format!("<{prefix}{name}>");
    escape_text(text, &mut element);
    element.push_str("</");
    element.push_str(prefix);
    element.push_str(name);
    element.push('>');
    element
}
