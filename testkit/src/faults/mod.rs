//! Failures on purpose: relays in front of DynamoDB and SES that let one call of an operation
//! fail in one of the ways a call can, and a table of what came of it for every call and every way.
//!
//! For tests only. The proxy knows nothing of the operations: it takes the calls as they come.

mod matrix;
mod proxy;
mod world;

pub use matrix::{Extent, Matrix, Plan, at_work, fill};
pub use proxy::Proxy;
pub use world::World;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset; nothing is forwarded.
    Refused,
    /// The connection is closed; nothing is forwarded.
    DroppedBefore,
    /// It is forwarded; its answer is thrown away and the connection closed.
    DroppedAfter,
    /// It is answered with the service's error for too many requests.
    Throttled,
    /// It is forwarded, and its answer does not come before the caller gives up.
    NotAnswered,
    /// It is forwarded only once the caller has given up.
    AppliedLate,
    /// It is answered with a refusal that nobody repeats: a condition that does not hold, or a
    /// mail that is rejected.
    ConditionFailed,
    /// The process ends before it is forwarded.
    KilledBefore,
    /// The process ends after it was forwarded.
    KilledAfter,
}

/// Which attempts at a call fail: the SDK repeats most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempts {
    /// The first one.
    First,
    /// All of them.
    Every,
}

/// One way in which a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// What happens.
    pub fault: Fault,
    /// How often.
    pub attempts: Attempts,
    /// The head of its column.
    pub name: &'static str,
}

impl Failure {
    /// All of them: the columns of the table.
    pub const ALL: [Self; 15] = [
        Self::new(Fault::Refused, Attempts::First, "refused once"),
        Self::new(Fault::Refused, Attempts::Every, "refused"),
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

    /// Whether the process ends, so that there is no answer.
    #[must_use]
    pub fn kills(self) -> bool {
        matches!(self.fault, Fault::KilledBefore | Fault::KilledAfter)
    }

    /// Whether the call takes effect although the caller cannot know.
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
    /// The number of the call, from 0.
    pub call: usize,
    /// What happens to it.
    pub failure: Failure,
}
