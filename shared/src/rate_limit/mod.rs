//! Rate limits: the generic cell rate algorithm (GCRA, ITU-T I.371 annex A) in the Limits table.
//!
//! A key has one item, with one number for each of its quotas: the theoretical arrival time (TAT),
//! the time at which all uses so far would have arrived had they been evenly spaced. A use adds the
//! emission interval (period / uses) to the TAT, and is refused if the TAT would then be more than
//! one period in the future. So the full quota may be used at once, and is restored evenly over
//! time.
//!
//! A use is one conditional update of one item. Its condition compares the TAT with bounds instead
//! of a value that was read, so concurrent uses do not conflict, and a use is refused only if its
//! quota is used up. A use that cannot be counted is an error, and callers do not admit it.
//!
//! A caller that stays within a quota in every sliding window is always admitted. In the worst case
//! (the full quota at once, then each use as it is restored), one period sees twice the quota minus
//! one.

mod key;
mod limiter;
mod quota;

pub use key::RateLimitKey;
pub use limiter::{Admission, Lookup, RateLimiter};
pub use quota::{Quota, RateLimit};
