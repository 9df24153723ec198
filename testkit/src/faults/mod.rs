//! Fault injection: relays in front of DynamoDB and SES that make one call of an operation fail in
//! a certain way, and a matrix of the results for every call and every kind of failure.
//!
//! The proxy does not know the operations; it counts calls in the order in which they arrive.

mod matrix;
mod proxy;
mod world;

pub use matrix::{Extent, Matrix, Plan, fill, work_permit};
pub use proxy::Proxy;
pub use world::World;

/// The fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset; nothing is forwarded.
    Reset,
    /// The connection is closed; nothing is forwarded.
    DroppedBefore,
    /// The call is forwarded; its answer is discarded and the connection closed.
    DroppedAfter,
    /// The call is answered with the service's error for too many requests.
    Throttled,
    /// The call is forwarded, and its answer does not arrive before the caller's timeout.
    NotAnswered,
    /// The call is forwarded only after the caller's timeout.
    AppliedLate,
    /// The call is answered with an error that is not retried: a failed condition, or a rejected
    /// email.
    ConditionFailed,
    /// The process ends before the call is forwarded.
    KilledBefore,
    /// The process ends after the call was forwarded.
    KilledAfter,
}

/// The attempts at a call that fail. The SDK retries most calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// The first attempt.
    First,
    /// All attempts.
    Every,
}

/// One way in which a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The fault.
    pub fault: Fault,
    /// The attempts that fail.
    pub attempts: Attempts,
    /// The heading of its column.
    pub name: &'static str,
}

impl Failure {
    /// All failures, the columns of the matrix.
    pub const ALL: [Self; 15] = [
        Self::new(Fault::Reset, Attempts::First, "reset once"),
        Self::new(Fault::Reset, Attempts::Every, "reset"),
        Self::new(
            Fault::DroppedBefore,
            Attempts::First,
            "dropped before, once",
        ),
        Self::new(Fault::DroppedBefore, Attempts::Every, "dropped before"),
        Self::new(Fault::DroppedAfter, Attempts::First, "dropped after, once"),
        Self::new(Fault::DroppedAfter, Attempts::Every, "dropped after"),
        Self::new(Fault::Throttled, Attempts::First, "throttled once"),
        Self::new(Fault::Throttled, Attempts::Every, "throttled"),
        Self::new(Fault::NotAnswered, Attempts::First, "slow answer, once"),
        Self::new(Fault::NotAnswered, Attempts::Every, "slow answer"),
        Self::new(Fault::AppliedLate, Attempts::First, "applied late, once"),
        Self::new(Fault::AppliedLate, Attempts::Every, "applied late"),
        Self::new(Fault::ConditionFailed, Attempts::Every, "condition failed"),
        Self::new(Fault::KilledBefore, Attempts::First, "killed before"),
        Self::new(Fault::KilledAfter, Attempts::First, "killed after"),
    ];

    const fn new(fault: Fault, attempts: Attempts, name: &'static str) -> Self {
        Self {
            fault,
            attempts,
            name,
        }
    }

    /// Whether the process ends without an answer.
    #[must_use]
    pub fn kills(self) -> bool {
        matches!(self.fault, Fault::KilledBefore | Fault::KilledAfter)
    }

    /// Whether the call may take effect without the caller knowing.
    #[must_use]
    pub fn is_ambiguous(self) -> bool {
        matches!(
            self.fault,
            Fault::DroppedAfter | Fault::NotAnswered | Fault::AppliedLate | Fault::KilledAfter
        )
    }
}

/// A failure of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injection {
    /// The number of the call, starting at 0.
    pub call: usize,
    /// The failure.
    pub failure: Failure,
}
