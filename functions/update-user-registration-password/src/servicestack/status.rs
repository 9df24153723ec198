//! `ResponseStatus`: what went wrong, in ServiceStack's words.

use http::StatusCode;
use password::Weakness;

use super::data::Data;
use super::{REQUEST_DTO, REQUEST_TYPE};
use crate::operation::{Error, Violation};

/// A request refused before the operation ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// No credential of a kind that is known.
    NoCredential,
    /// `Authorization: Basic` with something that is no base64.
    CredentialNotBase64,
    /// `Authorization` without a space, or `Basic` without a colon behind it.
    CredentialIncomplete,
    /// A body that is not what its content type says.
    Unreadable {
        /// The content type, as the message names it.
        content_type: String,
    },
    /// A value of the query or a form that does not fit its member.
    Unbindable {
        /// The value.
        value: String,
    },
    /// A body longer than the service reads.
    TooLong,
    /// A query or a form of more parts than the service reads.
    TooManyParameters,
    /// A predefined route to an operation that does not exist.
    UnknownOperation(String),
    /// A predefined route with another verb than POST.
    VerbNotAllowed,
}

/// Which root an error has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// The response DTO with its members at their defaults, as for errors of the service.
    ResponseDto,
    /// `ErrorResponse`, as for errors of the pipeline before it.
    ErrorResponse,
}

/// The outcome of a request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) http_status: StatusCode,
    pub(super) root: Root,
    pub(super) status: ResponseStatus,
    /// Whether to ask for a credential.
    pub(super) challenge: bool,
}

/// `ResponseStatus`. `StackTrace` and `Meta` are never set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponseStatus {
    pub(super) error_code: String,
    pub(super) message: String,
    /// None, or perhaps no errors: the legacy server wrote the two differently.
    pub(super) errors: Option<Vec<ResponseError>>,
}

/// One entry of `Errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponseError {
    pub(super) error_code: &'static str,
    pub(super) field_name: &'static str,
    pub(super) message: String,
    pub(super) meta: Vec<(&'static str, String)>,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let pipeline = |http_status, error_code: &str, message: String, errors| Self {
            http_status,
            root: Root::ErrorResponse,
            status: ResponseStatus {
                error_code: error_code.to_owned(),
                message,
                errors,
            },
            challenge: false,
        };
        match rejection {
            // The legacy server sent no body. Its clients took the reason phrase of the status
            // line for the code, which no gateway sends, so it stands in a body they can read.
            Rejection::NoCredential => Self {
                challenge: true,
                ..service(
                    StatusCode::UNAUTHORIZED,
                    "Unauthorized",
                    "Unauthorized",
                    vec![],
                )
            },
            // The texts are those of .NET's `Convert.FromBase64String` and `String.Substring`.
            Rejection::CredentialNotBase64 => pipeline(
                StatusCode::BAD_REQUEST,
                "FormatException",
                "The input is not a valid Base-64 string as it contains a non-base 64 character, \
                 more than two padding characters, or an illegal character among the padding \
                 characters."
                    .to_owned(),
                None,
            ),
            Rejection::CredentialIncomplete => pipeline(
                StatusCode::BAD_REQUEST,
                "ArgumentOutOfRangeException",
                "Length cannot be less than zero.".to_owned(),
                None,
            ),
            Rejection::Unreadable { content_type } => pipeline(
                StatusCode::BAD_REQUEST,
                "SerializationException",
                // The quotation mark at the end has no partner in the original either.
                format!("Could not deserialize '{content_type}' request using {REQUEST_TYPE}'"),
                None,
            ),
            Rejection::Unbindable { value } => pipeline(
                StatusCode::BAD_REQUEST,
                "SerializationException",
                format!("Unable to bind to request '{REQUEST_DTO}'"),
                Some(vec![ResponseError {
                    error_code: "SerializationException",
                    field_name: "SendResetEmail",
                    message: format!("'{value}' is an Invalid value for 'SendResetEmail'"),
                    meta: vec![],
                }]),
            ),
            Rejection::TooLong => pipeline(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "Maximum request length exceeded.".to_owned(),
                None,
            ),
            Rejection::TooManyParameters => pipeline(
                StatusCode::BAD_REQUEST,
                "InvalidOperationException",
                "Operation is not valid due to the current state of the object.".to_owned(),
                None,
            ),
            Rejection::UnknownOperation(name) => pipeline(
                StatusCode::METHOD_NOT_ALLOWED,
                "NotImplementedException",
                format!("The operation '{name}' does not exist for this service"),
                None,
            ),
            Rejection::VerbNotAllowed => pipeline(
                StatusCode::METHOD_NOT_ALLOWED,
                "NotSupportedException",
                format!("The operation '{REQUEST_DTO}' only accepts POST"),
                None,
            ),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            // The one 401 to which the legacy server gave a body.
            Error::InvalidCredential => Self {
                root: Root::ErrorResponse,
                status: ResponseStatus {
                    error_code: "Unauthorized".to_owned(),
                    message: "Invalid UserName or Password".to_owned(),
                    errors: None,
                },
                http_status: StatusCode::UNAUTHORIZED,
                challenge: false,
            },
            Error::RoleMissing => service(
                StatusCode::FORBIDDEN,
                "Invalid Role",
                "Invalid Role",
                vec![],
            ),
            Error::Invalid(violations) => {
                let errors: Vec<_> = violations.iter().map(ResponseError::from).collect();
                let (code, message) = errors
                    .first()
                    .map(|first| (first.error_code, first.message.clone()))
                    .unwrap_or_default();
                service(StatusCode::BAD_REQUEST, code, &message, errors)
            }
            Error::UnknownCustomer { email } => {
                let message = format!("Customer {email} was not found");
                service(StatusCode::NOT_FOUND, "NotFound", &message, vec![])
            }
            Error::AmbiguousCustomer { email } => {
                let message = format!(
                    "Customer {email} exists for several brands; CustomerBrandName names none of \
                     them"
                );
                service(StatusCode::CONFLICT, "Conflict", &message, vec![])
            }
            Error::Conflict => {
                let message = "The customer was changed at the same time; please try again";
                service(StatusCode::CONFLICT, "Conflict", message, vec![])
            }
            Error::Unavailable(_) => internal_error(),
        }
    }
}

/// What a caller sees of anything it cannot help.
pub(super) fn internal_error() -> Failure {
    let message = "The service is temporarily unable to process the request";
    service(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Exception",
        message,
        vec![],
    )
}

fn service(
    http_status: StatusCode,
    error_code: &str,
    message: &str,
    errors: Vec<ResponseError>,
) -> Failure {
    Failure {
        http_status,
        root: Root::ResponseDto,
        status: ResponseStatus {
            error_code: error_code.to_owned(),
            message: message.to_owned(),
            errors: Some(errors),
        },
        challenge: false,
    }
}

/// FluentValidation's codes and texts. The submitted value is left out of `Meta`.
impl From<&Violation> for ResponseError {
    fn from(violation: &Violation) -> Self {
        let error = |error_code, field_name, label: &str, message, mut meta: Vec<_>| {
            meta.push(("PropertyName", label.to_owned()));
            Self {
                error_code,
                field_name,
                message,
                meta,
            }
        };
        let email = |code, rest| error(code, "Email", "Email", format!("'Email' {rest}"), vec![]);
        let password = |code, rest: String, meta| {
            let label = "New Password";
            error(
                code,
                "NewPassword",
                label,
                format!("'{label}' {rest}"),
                meta,
            )
        };
        match violation {
            Violation::EmailEmpty => email("NotEmpty", "should not be empty."),
            Violation::EmailMalformed => email("Email", "is not a valid email address."),
            Violation::PasswordEmpty => {
                password("NotEmpty", "should not be empty.".to_owned(), vec![])
            }
            Violation::PasswordLength { allowed, entered } => {
                let (least, most) = (allowed.start(), allowed.end());
                let rest = format!(
                    "must be between {least} and {most} characters. You entered {entered} \
                     characters."
                );
                let meta = vec![
                    ("MinLength", least.to_string()),
                    ("MaxLength", most.to_string()),
                    ("TotalLength", entered.to_string()),
                ];
                password("Length", rest, meta)
            }
            Violation::PasswordWeak(weakness) => {
                let rest = match weakness {
                    Weakness::Common => {
                        "is one of the most common passwords. Please choose another."
                    }
                    Weakness::Context => {
                        "must not be the e-mail address, the user name, the display name or the \
                         brand."
                    }
                };
                password("Predicate", rest.to_owned(), vec![])
            }
        }
    }
}

impl From<&ResponseStatus> for Data {
    fn from(status: &ResponseStatus) -> Self {
        let errors = status
            .errors
            .as_ref()
            .map(|errors| errors.iter().map(Data::from).collect());
        Data::Object(vec![
            ("ErrorCode", Data::text(&status.error_code)),
            ("Message", Data::text(&status.message)),
            ("StackTrace", Data::Null),
            ("Errors", errors.map_or(Data::Null, Data::List)),
            ("Meta", Data::Null),
        ])
    }
}

impl From<&ResponseError> for Data {
    fn from(error: &ResponseError) -> Self {
        let meta = error
            .meta
            .iter()
            .map(|(key, value)| (*key, Data::text(value)))
            .collect();
        let meta = if error.meta.is_empty() {
            Data::Null
        } else {
            Data::Dictionary(meta)
        };
        Data::Object(vec![
            ("ErrorCode", Data::text(error.error_code)),
            ("FieldName", Data::text(error.field_name)),
            ("Message", Data::text(&error.message)),
            ("Meta", meta),
        ])
    }
}
