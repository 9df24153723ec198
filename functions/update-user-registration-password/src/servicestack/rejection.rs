//! Rejections: requests refused before the operation ran. Messages are ServiceStack's and .NET's.

use http::StatusCode;

use super::contract::{REQUEST_DTO, REQUEST_TYPE};

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
    #[error("Could not deserialize '{content_type}' request using {REQUEST_TYPE}'")]
    Unreadable {
        /// Content type of the body.
        content_type: String,
    },
    /// A value in the query or a form that `SendResetEmail` cannot have.
    #[error("Unable to bind to request '{REQUEST_DTO}'")]
    Unbindable {
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
    /// A predefined route with another verb than POST.
    #[error("The operation '{REQUEST_DTO}' only accepts POST")]
    VerbNotAllowed,
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
            Self::NotFound => (StatusCode::NOT_FOUND, "NotFound", PlainText),
            Self::UnknownOperation(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "NotImplementedException",
                ErrorResponse,
            ),
            Self::VerbNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "NotSupportedException",
                ErrorResponse,
            ),
        }
    }
}
