//! The endpoints of an operation.

use shared::lambda::Request;
use xml::soap::Version;

use super::format::{Format, ResponseFormat, accepted, format_parameter};

/// An endpoint that calls an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// A route that an operation declares, such as `/UpdateUserRegistrationPassword` or `/auth`.
    Route {
        /// The format of the answer, from a suffix such as `.json`.
        suffix: Option<Format>,
    },
    /// A predefined route, `/{format}/reply/{operation}`.
    Predefined {
        /// The format of the body and, unless `?format=` names another, of the answer.
        format: Format,
    },
    /// `POST /soap11` or `POST /soap12`.
    Soap(Version),
}

impl Endpoint {
    /// Determines the format of the answer: by the suffix, else by `?format=`, else by the
    /// predefined route or, on the service's own route, by `Accept`.
    #[must_use]
    pub fn response_format(self, request: &Request) -> ResponseFormat {
        let decided = match self {
            Self::Route {
                suffix: Some(format),
            } => Some(format),
            Self::Route { suffix: None } => format_parameter(request),
            Self::Predefined { format } => Some(format_parameter(request).unwrap_or(format)),
            Self::Soap(version) => return ResponseFormat::soap(version),
        };
        let format = decided.map_or_else(|| accepted(request), ResponseFormat::new);
        format.with_json_style(request)
    }
}
