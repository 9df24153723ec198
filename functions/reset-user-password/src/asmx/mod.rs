//! The protocols of an ASP.NET ASMX service, as implemented by the .NET Framework 4 and IIS.

mod call;
mod content_type;
mod description;
mod form;
mod html;
mod protocols;
mod rejection;
mod request;
mod response;
mod route;
mod soap;
mod soap_routing;

pub use call::{Binding, Call};
pub use description::Page;
pub use protocols::{Protocols, UnknownProtocol};
pub use rejection::Rejection;
pub use request::decode;
pub use response::{encode, server_fault};
pub(crate) use route::HTTP_GET_PATH;
pub use route::{Route, route};
