//! Names of the service's data contracts.

/// The request DTO: the operation's name on predefined routes, and the root of an XML body.
pub(super) const REQUEST_DTO: &str = "UpdateUserRegistrationPasswordRequest";
/// The response DTO.
pub(super) const RESPONSE_DTO: &str = "UpdateUserRegistrationPasswordResponse";
/// The CLR type of the request DTO, for error messages.
pub(super) const REQUEST_TYPE: &str =
    "Registrar.Model.Model.Transactions.UserRegistration.UpdateUserRegistrationPasswordRequest";
/// The request DTO of `Authenticate`.
pub(super) const AUTHENTICATE: &str = "Authenticate";
/// The response DTO of `Authenticate`.
pub(super) const AUTHENTICATE_RESPONSE: &str = "AuthenticateResponse";
/// The CLR type of the request DTO of `Authenticate`, for error messages.
pub(super) const AUTHENTICATE_TYPE: &str = "ServiceStack.Authenticate";
/// The XML namespace of the service's own DTOs.
pub(super) const DTO_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Transactions.UserRegistration";
/// The XML namespace of `Requester`, a member that the request DTO inherits.
pub(super) const REQUESTER_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Interfaces";
/// The XML namespace of ServiceStack's own types, for example `ResponseStatus`.
pub(super) const TYPES_NAMESPACE: &str = "http://schemas.servicestack.net/types";
/// The XML namespace of the serialiser's own attributes, for example `Ref`.
pub(super) const SERIALIZATION_NAMESPACE: &str =
    "http://schemas.microsoft.com/2003/10/Serialization/";
/// The XML namespace of .NET's dictionaries.
pub(super) const ARRAYS_NAMESPACE: &str =
    "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
