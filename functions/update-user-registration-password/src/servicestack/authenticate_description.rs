//! The description of the operation `Authenticate` on the metadata pages, with the members that the
//! service reads.

use super::contract::{AUTHENTICATE, AUTHENTICATE_RESPONSE};
use super::description::{Class, Member, Operation, Samples};

/// The operation `Authenticate`.
pub(super) static AUTHENTICATE_OPERATION: Operation = Operation {
    name: AUTHENTICATE,
    response: AUTHENTICATE_RESPONSE,
    prefix: "svc",
    summary: "",
    roles: "",
    routes: &[
        ("GET, POST", "/auth"),
        ("GET, POST", "/auth/{provider}"),
        ("GET, POST", "/authenticate"),
        ("GET, POST", "/authenticate/{provider}"),
    ],
    classes: &CLASSES,
    samples: Samples {
        xml: (
            include_str!("assets/authenticate/request.xml"),
            include_str!("assets/authenticate/response.xml"),
        ),
        json: (
            include_str!("assets/authenticate/request.json"),
            include_str!("assets/authenticate/response.json"),
        ),
        jsv: (
            include_str!("assets/authenticate/request.jsv"),
            include_str!("assets/authenticate/response.jsv"),
        ),
        csv: (
            include_str!("assets/authenticate/request.csv"),
            include_str!("assets/authenticate/response.csv"),
        ),
    },
};

const CLASSES: [Class; 2] = [
    Class {
        name: AUTHENTICATE,
        members: &[
            Member::form("provider", "string", "credentials or logout").in_path(),
            Member::body("UserName", "string", ""),
            Member::body("Password", "string", ""),
            Member::body("RememberMe", "bool?", ""),
        ],
    },
    Class {
        name: AUTHENTICATE_RESPONSE,
        members: &[
            Member::form("UserId", "string", ""),
            Member::form("SessionId", "string", ""),
            Member::form("UserName", "string", ""),
            Member::form("DisplayName", "string", ""),
            Member::form("ReferrerUrl", "string", ""),
            Member::form("BearerToken", "string", ""),
            Member::form("RefreshToken", "string", ""),
            Member::form("ResponseStatus", "ResponseStatus", ""),
            Member::form("Meta", "Dictionary<string, string>", ""),
        ],
    },
];
