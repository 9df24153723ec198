//! Names of the service's data contracts.

/// Request DTO: the operation's name on predefined routes and the root of an XML body.
pub(super) const REQUEST_DTO: &str = "UpdateUserRegistrationPasswordRequest";
/// Response DTO.
pub(super) const RESPONSE_DTO: &str = "UpdateUserRegistrationPasswordResponse";
/// CLR type of the request DTO, as error messages name it.
pub(super) const REQUEST_TYPE: &str =
    "Registrar.Model.Model.Transactions.UserRegistration.UpdateUserRegistrationPasswordRequest";
/// Request DTO of a login by session.
pub(super) const AUTHENTICATE: &str = "Authenticate";
/// Response DTO of a login by session.
pub(super) const AUTHENTICATE_RESPONSE: &str = "AuthenticateResponse";
/// CLR type of the request DTO of a login, as error messages name it.
pub(super) const AUTHENTICATE_TYPE: &str = "ServiceStack.Authenticate";
/// XML namespace of the service's own DTOs.
pub(super) const DTO_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Transactions.UserRegistration";
/// XML namespace of `Requester`, a member that the request DTO inherits.
pub(super) const REQUESTER_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Interfaces";
/// XML namespace of ServiceStack's own types, for instance `ResponseStatus`.
pub(super) const TYPES_NAMESPACE: &str = "http://schemas.servicestack.net/types";
/// XML namespace of the serialiser's own attributes, for instance `Ref`.
pub(super) const SERIALIZATION_NAMESPACE: &str =
    "http://schemas.microsoft.com/2003/10/Serialization/";
/// XML namespace of .NET's dictionaries.
pub(super) const ARRAYS_NAMESPACE: &str =
    "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
