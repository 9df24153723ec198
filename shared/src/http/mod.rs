//! HTTP as both legacy hosts had it: percent-encoded paths, the parameters of queries and forms,
//! and pages for people.

mod page;
mod parameters;
mod path;

pub use page::{PagePolicy, page};
pub use parameters::{MAX_PARAMETERS, Parameters, url_decode};
pub use path::decode_path;
