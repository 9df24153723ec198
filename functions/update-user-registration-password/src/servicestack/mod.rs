//! The protocol of a ServiceStack 4.5.8 host whose `DefaultContentType` is JSON.

mod authenticate_description;
mod contract;
mod cookies;
mod data_contract;
mod description;
mod endpoint;
mod failure;
mod format;
mod metadata;
mod plain;
mod rejection;
mod request;
mod response;
mod response_dto;
mod response_status;
mod route;
mod soap;
mod value;

pub use cookies::cookies;
pub use description::PageFormat;
pub use endpoint::Endpoint;
pub use format::{Format, ResponseFormat};
pub use metadata::Page;
pub use rejection::Rejection;
pub use request::{authenticate, credential, decode};
pub use response::{Reply, server_fault};
pub use response_dto::ResponseDto;
pub use route::{Route, route};
pub use value::JsonStyle;
