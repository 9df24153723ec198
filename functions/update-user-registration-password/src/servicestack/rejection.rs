//! Rejections of requests before the operation runs. The messages are those of ServiceStack and
//! .NET.

use http::StatusCode;

/// The reason a request is refused before the operation runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no credential of a known kind.
    #[error("Unauthorized")]
    NoCredential,
    /// `Authorization: Basic` with text that is not Base64. The message is that of .NET's
    /// `Convert.FromBase64String`.
    #[error(
        "The input is not a valid Base-64 string as it contains a non-base 64 character, more than \
         two padding characters, or an illegal character among the padding characters."
    )]
    CredentialNotBase64,
    /// `Authorization` without a space, or `Basic` without a colon in it. The message is that of
    /// .NET's `String.Substring`.
    #[error("Length cannot be less than zero.")]
    CredentialIncomplete,
    /// A credential whose user name no account can have.
    #[error("Invalid UserName or Password")]
    InvalidUserName,
    /// A call that a page of another origin made a browser send.
    #[error("Cross-site requests are not accepted")]
    CrossSite,
    /// A body that is invalid for its content type. The message's last quotation mark is unpaired
    /// in the original too (case malformed/json-route-application_jsv).
    #[error("Could not deserialize '{content_type}' request using {dto}'")]
    Unreadable {
        /// The content type of the body.
        content_type: String,
        /// The CLR type of the request DTO.
        dto: &'static str,
    },
    /// A value in the query or a form that is not a boolean.
    #[error("Unable to bind to request '{dto}'")]
    Unbindable {
        /// The request DTO.
        dto: &'static str,
        /// The member.
        member: &'static str,
        /// The value, as received.
        value: String,
    },
    /// A body that exceeds the maximum length.
    #[error("Maximum request length exceeded.")]
    TooLong,
    /// A query or a form that exceeds the maximum number of parameters. The message is ASP.NET's.
    #[error("Operation is not valid due to the current state of the object.")]
    TooManyParameters,
    /// An unknown path, or one that does not support the request's verb.
    #[error("404")]
    NotFound,
    /// A predefined route to an operation that does not exist.
    #[error("The operation '{0}' does not exist for this service")]
    UnknownOperation(String),
    /// A verb that the operation does not accept.
    #[error("The operation '{operation}' only accepts {allowed}")]
    VerbNotAllowed {
        /// The operation.
        operation: &'static str,
        /// The verbs that it accepts, as in `Allow`.
        allowed: &'static str,
    },
    /// A login without a user name or a password.
    #[error("Validation failed: {}", missing.iter().map(|member| member.line()).collect::<String>())]
    LoginIncomplete {
        /// The missing members.
        missing: Vec<LoginMember>,
    },
    /// A login with an authentication provider that the service does not have.
    #[error("No configuration was added for OAuth provider '{0}'")]
    UnknownProvider(String),
}

/// A member that a login requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMember {
    /// `UserName`
    UserName,
    /// `Password`
    Password,
}

impl LoginMember {
    /// A line of FluentValidation 6's summary.
    fn line(self) -> String {
        format!("\r\n -- {}", self.message())
    }

    /// The message of FluentValidation's `NotEmpty`.
    pub(super) fn message(self) -> String {
        format!("'{}' should not be empty.", self.label())
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UserName => "UserName",
            Self::Password => "Password",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::UserName => "User Name",
            Self::Password => "Password",
        }
    }
}

/// The root of an error's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// The response DTO with default values, as in ServiceStack's answers to errors of a service.
    ResponseDto,
    /// `ErrorResponse`, as in ServiceStack's answers to errors of its pipeline.
    ErrorResponse,
    /// The response DTO in XML, because the old XML client reads no other root, and `ErrorResponse`
    /// in every other format.
    ResponseDtoInXml,
    /// No root: the message is plain text, whatever the client accepts (case
    /// routing/get-unknown-accept-json).
    PlainText,
}

impl Rejection {
    /// The HTTP status, `ErrorCode` and root.
    pub(super) const fn kind(&self) -> (StatusCode, &'static str, Root) {
        use Root::{ErrorResponse, PlainText, ResponseDto, ResponseDtoInXml};
        match self {
            // The original sent no body, and clients took the code from the reason phrase. Gateways
            // send no reason phrase, so the code is in a body that clients can read.
            Self::NoCredential => (StatusCode::UNAUTHORIZED, "Unauthorized", ResponseDto),
            Self::CredentialNotBase64 => {
                (StatusCode::BAD_REQUEST, "FormatException", ErrorResponse)
            }
            Self::CredentialIncomplete => (
                StatusCode::BAD_REQUEST,
                "ArgumentOutOfRangeException",
                ErrorResponse,
            ),
            Self::InvalidUserName => (StatusCode::UNAUTHORIZED, "Unauthorized", ResponseDtoInXml),
            Self::CrossSite => (StatusCode::FORBIDDEN, "Forbidden", ResponseDto),
            Self::Unreadable { .. } | Self::Unbindable { .. } => (
                StatusCode::BAD_REQUEST,
                "SerializationException",
                ErrorResponse,
            ),
            Self::TooLong => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                ErrorResponse,
            ),
            Self::TooManyParameters => (
                StatusCode::BAD_REQUEST,
                "InvalidOperationException",
                ErrorResponse,
            ),
            Self::LoginIncomplete { .. } => {
                (StatusCode::BAD_REQUEST, "ValidationException", ResponseDto)
            }
            Self::UnknownProvider(_) => (StatusCode::NOT_FOUND, "NotFound", ResponseDto),
            Self::NotFound => (StatusCode::NOT_FOUND, "NotFound", PlainText),
            Self::UnknownOperation(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "NotImplementedException",
                ErrorResponse,
            ),
            Self::VerbNotAllowed { .. } => (
                StatusCode::METHOD_NOT_ALLOWED,
                "NotSupportedException",
                ErrorResponse,
            ),
        }
    }
}
