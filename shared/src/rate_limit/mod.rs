//! Rate limits: the generic cell rate algorithm (GCRA, ITU-T I.371 annex A) in the Limits table.
//!
//! A key has one item, with one number for each of its quotas: the theoretical arrival time (TAT),
//! at which all uses so far would have arrived if they had come evenly spread. A use adds the
//! emission interval (period / uses) to the TAT, and is refused where that would lead further than
//! one period into the future. So the full quota may be used at once, and comes back evenly.
//!
//! A use is one conditional update of one item. Its condition compares the TAT with bounds and not
//! with what was read, so uses at the same moment do not disturb each other, and a use is refused
//! only if its quota is used up. Whoever cannot be counted is not admitted: errors are the caller's
//! to handle.
//!
//! Whoever keeps to a quota in every sliding window is always admitted. In the worst case (the full
//! quota at once, then every use that comes back) one period has twice the quota, less one.

mod key;
mod limiter;
mod quota;

pub use key::RateLimitKey;
pub use limiter::{Admission, Lookup, RateLimiter};
pub use quota::{Quota, RateLimit};
