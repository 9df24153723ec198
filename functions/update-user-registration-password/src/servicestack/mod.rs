//! The wire personality of a ServiceStack 4.5.8 host whose `DefaultContentType` is JSON.

mod data;
mod format;
mod metadata;
mod request;
mod response;
mod route;
mod status;

pub use data::JsonStyle;
pub use format::{Format, ResponseFormat, response_format};
pub use metadata::Page;
pub use request::{credential, decode};
pub use response::{Reply, server_fault};
pub use route::{Endpoint, Instead, route};
pub use status::Rejection;

const REQUEST_DTO: &str = "UpdateUserRegistrationPasswordRequest";
const RESPONSE_DTO: &str = "UpdateUserRegistrationPasswordResponse";
/// The CLR type, as error messages name it.
const REQUEST_TYPE: &str =
    "Registrar.Model.Model.Transactions.UserRegistration.UpdateUserRegistrationPasswordRequest";
/// The data contract namespaces of both DTOs, and of the interface that declares `Requester`.
const DTO_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Transactions.UserRegistration";
const REQUESTER_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Interfaces";
/// Longer bodies are refused unread.
const MAX_BODY: usize = 256 * 1024;
/// ASP.NET's `aspnet:MaxHttpCollectionKeys`: a query or a form of more parts is refused.
const MAX_PARAMETERS: usize = 1_000;
/// A longer `Authorization` header is no credential: a user name of 256 bytes with a password of 128
/// characters takes at most 1,034.
const MAX_AUTHORIZATION: usize = 4 * 1024;
/// `Requester` is kept up to this many characters.
const MAX_REQUESTER: usize = 256;
