//! Rejections: requests refused before the operation ran. Messages are ServiceStack's and .NET's.

use http::StatusCode;

/// Why a request was refused before the operation ran.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No credential, or none of a known kind.
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
    /// A body that its content type does not allow. The message's last quotation mark has no partner
    /// in the original either (case malformed/json-route-application_jsv).
    #[error("Could not deserialize '{content_type}' request using {dto}'")]
    Unreadable {
        /// Content type of the body.
        content_type: String,
        /// CLR type of the request DTO.
        dto: &'static str,
    },
    /// A value in the query or a form that a boolean cannot have.
    #[error("Unable to bind to request '{dto}'")]
    Unbindable {
        /// The request DTO.
        dto: &'static str,
        /// The member.
        member: &'static str,
        /// The value, as received.
        value: String,
    },
    /// A body longer than the service reads.
    #[error("Maximum request length exceeded.")]
    TooLong,
    /// A query or a form with more parameters than the service reads. The message is ASP.NET's.
    #[error("Operation is not valid due to the current state of the object.")]
    TooManyParameters,
    /// A path at which there is nothing, or nothing for the request's verb.
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
        /// What is missing.
        missing: Vec<LoginMember>,
    },
    /// A login by a provider that the service does not have.
    #[error("No configuration was added for OAuth provider '{0}'")]
    UnknownProvider(String),
}

/// Member without which there is no login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMember {
    /// `UserName`
    UserName,
    /// `Password`
    Password,
}

impl LoginMember {
    /// Line of the summary of FluentValidation 6.
    fn line(self) -> String {
        format!("\r\n -- {}", self.message())
    }

    /// Message of FluentValidation's `NotEmpty`.
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

/// Root of an error's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// The response DTO with default values, as ServiceStack answers errors of the service.
    ResponseDto,
    /// `ErrorResponse`, as ServiceStack answers errors of its pipeline.
    ErrorResponse,
    /// The response DTO in XML, since the old XML client reads no other root; `ErrorResponse` in every
    /// other format.
    ResponseDtoInXml,
    /// None: the message as plain text, whatever the client accepts
    /// (case routing/get-unknown-accept-json).
    PlainText,
}

impl Rejection {
    /// HTTP status, `ErrorCode` and root.
    pub(super) const fn kind(&self) -> (StatusCode, &'static str, Root) {
        use Root::{ErrorResponse, PlainText, ResponseDto, ResponseDtoInXml};
        match self {
            // The original sent no body. Clients took the code from the reason phrase, which
            // gateways do not send, so it stands in a body that clients can read.
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
