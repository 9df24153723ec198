//! Calls to AWS services without an SDK client. A client per service would add half a minute to
//! every build for a handful of calls. The SDK's runtime handles signatures, timeouts and retries
//! as it does for the SDK's clients.

mod api;
mod call;
mod xml;

pub(crate) use api::Api;
pub(crate) use call::{Call, Refusal};
