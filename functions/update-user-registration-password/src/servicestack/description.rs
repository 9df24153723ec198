//! The description of an operation on the metadata pages, with the texts of the original's pages.

use xml::soap::Version;

use super::contract::{REQUEST_DTO, RESPONSE_DTO};

/// An operation that has metadata pages.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The name of the request DTO.
    pub(super) name: &'static str,
    /// The name of the response DTO.
    pub(super) response: &'static str,
    /// The prefix of the namespace of both in the WSDL.
    pub(super) prefix: &'static str,
    pub(super) summary: &'static str,
    /// The roles that the caller needs.
    pub(super) roles: &'static str,
    /// The verbs and paths.
    pub(super) routes: &'static [(&'static str, &'static str)],
    pub(super) classes: &'static [Class],
    pub(super) samples: Samples,
}

/// A sample request and response in each format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Samples {
    pub(super) xml: (&'static str, &'static str),
    pub(super) json: (&'static str, &'static str),
    pub(super) jsv: (&'static str, &'static str),
    pub(super) csv: (&'static str, &'static str),
}

/// The operation that sets a password.
pub(super) static UPDATE_PASSWORD: Operation = Operation {
    name: REQUEST_DTO,
    response: RESPONSE_DTO,
    prefix: "dto",
    summary: "Admin Portal can use this to reset a customers password",
    roles: "Admin, Admin",
    routes: &[("POST", "/UpdateUserRegistrationPassword")],
    classes: &CLASSES,
    samples: Samples {
        xml: (
            include_str!("assets/request.xml"),
            include_str!("assets/response.xml"),
        ),
        json: (
            include_str!("assets/request.json"),
            include_str!("assets/response.json"),
        ),
        jsv: (
            include_str!("assets/request.jsv"),
            include_str!("assets/response.jsv"),
        ),
        csv: (
            include_str!("assets/request.csv"),
            include_str!("assets/response.csv"),
        ),
    },
};

/// A class of the data contract, with the members that it declares.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) members: &'static [Member],
}

/// A row of the table of members.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: &'static str,
    /// The location of the member in a request. It is `form` if the original declared nothing.
    pub(super) parameter: &'static str,
    pub(super) data_type: &'static str,
    pub(super) is_required: bool,
    pub(super) description: &'static str,
}

impl Member {
    pub(super) const fn body(
        name: &'static str,
        data_type: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            parameter: "body",
            data_type,
            is_required: false,
            description,
        }
    }

    pub(super) const fn form(
        name: &'static str,
        data_type: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            parameter: "form",
            ..Self::body(name, data_type, description)
        }
    }

    pub(super) const fn in_path(self) -> Self {
        Self {
            parameter: "path",
            ..self
        }
    }

    pub(super) const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

/// The classes in the order of the original's page: the request, its base class, the response.
const CLASSES: [Class; 3] = [
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

/// A format for which the operation has a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFormat {
    /// XML.
    Xml,
    /// JSON.
    Json,
    /// JSV.
    Jsv,
    /// CSV.
    Csv,
    /// SOAP 1.1 or SOAP 1.2.
    Soap(Version),
}

impl PageFormat {
    /// All formats, in the order of the list of operations.
    pub(super) const ALL: [Self; 6] = [
        Self::Xml,
        Self::Json,
        Self::Jsv,
        Self::Csv,
        Self::Soap(Version::V11),
        Self::Soap(Version::V12),
    ];

    /// The name in paths and suffixes.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
            Self::Jsv => "jsv",
            Self::Csv => "csv",
            Self::Soap(Version::V11) => "soap11",
            Self::Soap(Version::V12) => "soap12",
        }
    }

    /// The name in the list of operations.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Xml => "XML",
            Self::Json => "JSON",
            Self::Jsv => "JSV",
            Self::Csv => "CSV",
            Self::Soap(Version::V11) => "SOAP 1.1",
            Self::Soap(Version::V12) => "SOAP 1.2",
        }
    }

    pub(super) const fn is_soap(self) -> bool {
        matches!(self, Self::Soap(_))
    }

    /// Returns a sample request and response.
    pub(super) const fn sample(self, samples: &Samples) -> Sample {
        match self {
            Self::Xml => Sample::plain("application/xml", samples.xml),
            Self::Json => Sample::plain("application/json", samples.json),
            Self::Jsv => Sample::plain("text/jsv", samples.jsv),
            Self::Csv => Sample::plain("text/csv", samples.csv),
            Self::Soap(Version::V11) => Sample::soap(
                samples.xml,
                include_str!("assets/soap11-before.xml"),
                "</soap:Body>\n</soap:Envelope>",
            ),
            Self::Soap(Version::V12) => Sample::soap(
                samples.xml,
                include_str!("assets/soap12-before.xml"),
                "</soap12:Body>\n</soap12:Envelope>",
            ),
        }
    }
}

/// A sample request and response.
pub(super) struct Sample {
    pub(super) request_type: &'static str,
    pub(super) response_type: &'static str,
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    /// The text before and after each of the two.
    pub(super) before: &'static str,
    pub(super) after: &'static str,
}

impl Sample {
    const fn plain(media_type: &'static str, bodies: (&'static str, &'static str)) -> Self {
        Self {
            request_type: media_type,
            response_type: media_type,
            request: bodies.0,
            response: bodies.1,
            before: "",
            after: "",
        }
    }

    const fn soap(
        xml: (&'static str, &'static str),
        before: &'static str,
        after: &'static str,
    ) -> Self {
        Self {
            request_type: "text/xml; charset=utf-8",
            before,
            after,
            ..Self::plain("application/xml", xml)
        }
    }
}
