//! What the metadata pages say of the operation, in the words of the original's page.

use super::format::Format;

/// Class of the data contract, with the members that it declares.
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) members: &'static [Member],
}

/// Row of a table of members.
pub(super) struct Member {
    pub(super) name: &'static str,
    /// Where the member is sent; `form` where the original declared nothing.
    pub(super) parameter: &'static str,
    pub(super) data_type: &'static str,
    pub(super) is_required: bool,
    pub(super) description: &'static str,
}

impl Member {
    const fn body(name: &'static str, data_type: &'static str, description: &'static str) -> Self {
        Self {
            name,
            parameter: "body",
            data_type,
            is_required: false,
            description,
        }
    }

    const fn form(name: &'static str, data_type: &'static str, description: &'static str) -> Self {
        Self {
            parameter: "form",
            ..Self::body(name, data_type, description)
        }
    }

    const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// Classes in the order of the original's page: the request, its base class, the response.
pub(super) const CLASSES: [Class; 3] = [
    Class {
        name: "UpdateUserRegistrationPasswordRequest",
        members: &[
            Member::body("Email", "string", "Customers Email Address").required(),
            Member::body("NewPassword", "string", "New Password").required(),
            Member::body(
                "SendResetEmail",
                "bool",
                "True if you want to send a Login Updated Email",
            ),
            Member::body(
                "CustomerBrandName",
                "string",
                "BrandName associated with the customer",
            ),
        ],
    },
    Class {
        name: "BaseAdminRequest",
        members: &[Member::form(
            "Requester",
            "string",
            "Identity of the caller",
        )],
    },
    Class {
        name: "UpdateUserRegistrationPasswordResponse",
        members: &[
            Member::form("ResponseStatus", "ResponseStatus", ""),
            Member::form("Id", "long", ""),
            Member::form("DisplayName", "string", ""),
            Member::form("ResetEmailSent", "bool", ""),
        ],
    },
];

/// Bodies of a request and of its answer.
pub(super) struct Sample {
    pub(super) content_type: &'static str,
    pub(super) request: &'static str,
    pub(super) response: &'static str,
}

impl Sample {
    pub(super) const fn of(format: Format) -> Self {
        match format {
            Format::Xml => Self {
                content_type: "application/xml",
                request: include_str!("assets/request.xml"),
                response: include_str!("assets/response.xml"),
            },
            Format::Json => Self {
                content_type: "application/json",
                request: include_str!("assets/request.json"),
                response: include_str!("assets/response.json"),
            },
            Format::Jsv => Self {
                content_type: "text/jsv",
                request: include_str!("assets/request.jsv"),
                response: include_str!("assets/response.jsv"),
            },
            Format::Csv | Format::Html => Self {
                content_type: "text/csv",
                request: include_str!("assets/request.csv"),
                response: include_str!("assets/response.csv"),
            },
        }
    }
}
