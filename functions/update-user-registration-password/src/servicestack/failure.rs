//! The answers to rejections and to errors of an operation.

use http::StatusCode;

use super::rejection::{Rejection, Root};
use super::response_status::{ResponseError, ResponseStatus};
use crate::error::{Error, Violation};

/// An answer to a request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub(super) http_status: StatusCode,
    pub(super) root: Root,
    pub(super) status: ResponseStatus,
    /// Whether the answer has a `WWW-Authenticate` header.
    pub(super) challenge: bool,
    /// The `Allow` header.
    pub(super) allow: Option<&'static str>,
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let kind = rejection.kind();
        let failure = Self::new(kind, rejection.to_string());
        match rejection {
            Rejection::NoCredential => Self {
                challenge: true,
                ..failure
            },
            Rejection::VerbNotAllowed { allowed, .. } => Self {
                allow: Some(allowed),
                ..failure
            },
            Rejection::Unbindable { member, value, .. } => {
                failure.with_errors(vec![ResponseError::invalid_flag(member, &value)])
            }
            Rejection::LoginIncomplete { missing } => {
                failure.with_errors(missing.into_iter().map(ResponseError::empty).collect())
            }
            _ => failure,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use Root::{ResponseDto, ResponseDtoInXml};
        let (kind, message) = match error {
            Error::InvalidCredential => (
                (StatusCode::UNAUTHORIZED, "Unauthorized", ResponseDtoInXml),
                "Invalid UserName or Password".to_owned(),
            ),
            Error::InvalidSession => return Self::from(Rejection::NoCredential),
            Error::RoleMissing => (
                (StatusCode::FORBIDDEN, "Invalid Role", ResponseDto),
                "Invalid Role".to_owned(),
            ),
            Error::Invalid(violations) => return Self::invalid(&violations),
            Error::UnknownCustomer { email } => (
                (StatusCode::NOT_FOUND, "NotFound", ResponseDto),
                format!("Customer {email} was not found"),
            ),
            Error::AmbiguousCustomer { email } => (
                (StatusCode::CONFLICT, "Conflict", ResponseDto),
                format!(
                    "Several customers have the address {email}; CustomerBrandName must name the \
                     brand of exactly one of them"
                ),
            ),
            Error::Conflict => (
                (StatusCode::CONFLICT, "Conflict", ResponseDto),
                "The customer was changed at the same time; please try again".to_owned(),
            ),
            Error::Unavailable(_) => return Self::internal(),
        };
        Self::new(kind, message)
    }
}

impl Failure {
    /// Makes the answer to an internal error. It reveals nothing about the cause.
    pub(super) fn internal() -> Self {
        Self::new(
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Exception",
                Root::ResponseDto,
            ),
            "The service is temporarily unable to process the request".to_owned(),
        )
    }

    /// Makes the answer to invalid input: the first error's code and message, and all errors in
    /// `Errors`.
    fn invalid(violations: &[Violation]) -> Self {
        let errors: Vec<_> = violations.iter().map(ResponseError::from).collect();
        let (code, message) = errors
            .first()
            .map(|first| (first.error_code, first.message.clone()))
            .unwrap_or_default();
        Self::new((StatusCode::BAD_REQUEST, code, Root::ResponseDto), message).with_errors(errors)
    }

    fn new((http_status, error_code, root): (StatusCode, &str, Root), message: String) -> Self {
        Self {
            http_status,
            root,
            status: ResponseStatus {
                error_code: error_code.to_owned(),
                message,
                errors: (root == Root::ResponseDto).then(Vec::new),
            },
            challenge: false,
            allow: None,
        }
    }

    /// Uses the response DTO as the root in every format.
    pub(super) fn in_response_dto(mut self) -> Self {
        if self.root == Root::ResponseDtoInXml {
            self.root = Root::ResponseDto;
            self.status.errors = Some(vec![]);
        }
        self
    }

    fn with_errors(mut self, errors: Vec<ResponseError>) -> Self {
        self.status.errors = Some(errors);
        self
    }
}
