//! HTTP as on both legacy hosts: percent-encoded paths, the parameters of queries and forms, and
//! HTML pages.

mod page;
mod parameters;
mod path;

pub use page::{PagePolicy, page};
pub use parameters::{MAX_PARAMETERS, Parameters, url_decode};
pub use path::decode_path;
