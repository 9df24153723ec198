//! Results to bytes, in every format.

use askama::Template;
use http::{Response, StatusCode, header};
use shared::lambda::Request;
use xml::{SCHEMA_INSTANCE, escape_text};

use super::data::{Data, JsonStyle};
use super::format::{Format, ResponseFormat, response_format};
use super::route::route;
use super::status::{Failure, Rejection, ResponseError, ResponseStatus, Root, internal_error};
use super::{DTO_NAMESPACE, REQUEST_DTO, RESPONSE_DTO};
use crate::operation::{Error, Outcome};

const TYPES_NAMESPACE: &str = "http://schemas.servicestack.net/types";
const ARRAYS_NAMESPACE: &str = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
const CHALLENGE: &str = "basic realm=\"/auth/basic\"";

/// The answer to a request, in no format yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(Result<Outcome, Failure>);

impl From<Result<Outcome, Error>> for Reply {
    fn from(result: Result<Outcome, Error>) -> Self {
        Self(result.map_err(Failure::from))
    }
}

impl From<Rejection> for Reply {
    fn from(rejection: Rejection) -> Self {
        Self(Err(rejection.into()))
    }
}

impl Reply {
    /// The response.
    #[must_use]
    pub fn encode(&self, response_format: &ResponseFormat) -> Response<String> {
        let mut response = match response_format.format {
            Format::Json => {
                let style = if self.is_dto() {
                    response_format.json_style
                } else {
                    JsonStyle::default()
                };
                Response::new(self.data().json(style))
            }
            Format::Xml => Response::new(self.xml()),
            Format::Jsv => Response::new(self.data().jsv()),
            Format::Csv => Response::new(self.data().csv()),
            Format::Html => self.page(),
        };
        *response.status_mut() = self
            .0
            .as_ref()
            .map_or_else(|f| f.http_status, |_| StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(header::VARY, header::HeaderValue::from_static("Accept"));
        if let Ok(content_type) = response_format.content_type.parse() {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if response_format.format == Format::Csv
            && let Ok(name) = format!("attachment;filename={REQUEST_DTO}.csv").parse()
        {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        if self.0.as_ref().is_err_and(|failure| failure.challenge) {
            let challenge = header::HeaderValue::from_static(CHALLENGE);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// Errors of the pipeline ignore `jsconfig`.
    fn is_dto(&self) -> bool {
        self.0
            .as_ref()
            .map_or_else(|failure| failure.root == Root::ResponseDto, |_| true)
    }

    fn data(&self) -> Data {
        match &self.0 {
            Ok(outcome) => dto_data(Data::Null, Some(outcome)),
            Err(Failure {
                root: Root::ResponseDto,
                status,
                ..
            }) => dto_data(status.into(), None),
            Err(Failure {
                root: Root::ErrorResponse,
                status,
                ..
            }) => Data::Object(vec![("ResponseStatus", status.into())]),
        }
    }

    fn xml(&self) -> String {
        match &self.0 {
            Ok(outcome) => dto_xml(None, Some(outcome)),
            Err(Failure {
                root: Root::ResponseDto,
                status,
                ..
            }) => dto_xml(Some(status), None),
            Err(Failure {
                root: Root::ErrorResponse,
                status,
                ..
            }) => error_response_xml(status),
        }
    }

    /// For people who try it in a browser: the members of the answer, those with parts as JSON.
    fn page(&self) -> Response<String> {
        html(&ReplyPage {
            rows: self.data().rows(),
        })
    }
}

#[derive(Template)]
#[template(path = "reply.html")]
struct ReplyPage {
    rows: Vec<(&'static str, String)>,
}

/// Styles stand in the page; nothing else is loaded, and nothing runs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                                       base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page.
pub(super) fn html(template: &impl Template) -> Response<String> {
    // The templates only write to a String.
    let mut response = Response::new(template.render().unwrap_or_default());
    let headers = response.headers_mut();
    let content_type = header::HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, content_type);
    let policy = header::HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// A short text for a request that reaches no service.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    let content_type = header::HeaderValue::from_static("text/plain");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// What a caller sees of a bug, in the format it asked for.
#[must_use]
pub fn server_fault(request: &Request) -> Response<String> {
    let format = match route(request) {
        Ok(endpoint) => response_format(endpoint, request),
        Err(_) => ResponseFormat::of(Format::Json),
    };
    Reply(Err(internal_error())).encode(&format)
}

/// Members in the order of their declaration.
fn dto_data(status: Data, outcome: Option<&Outcome>) -> Data {
    Data::Object(vec![
        ("ResponseStatus", status),
        ("Id", Data::Number(outcome.map_or(0, |o| o.id))),
        (
            "DisplayName",
            outcome.map_or(Data::Null, |o| Data::text(&o.display_name)),
        ),
        (
            "ResetEmailSent",
            Data::Bool(outcome.is_some_and(|o| o.reset_email_sent)),
        ),
    ])
}

/// Members in the order of the alphabet, as data contracts have them.
fn dto_xml(status: Option<&ResponseStatus>, outcome: Option<&Outcome>) -> String {
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

fn error_response_xml(status: &ResponseStatus) -> String {
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

/// The children of a `ResponseStatus`, `depth` levels below the root: the data contract serialiser
/// numbers the prefixes it makes up by depth.
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
