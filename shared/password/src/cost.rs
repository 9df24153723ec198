//! The cost of a hash.

use argon2::{Algorithm, Argon2, Params, Version};

/// Bytes of a hash.
pub(crate) const HASH_LENGTH: usize = 32;
/// The most that a hash may cost: 1 GiB of memory, and all passes together 4 GiB, which take
/// seconds.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_WORK_KIB: u64 = 4 << 20;

/// The cost of one hash with Argon2id in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    iterations: u32,
}

/// A cost that is too low to protect a password, or beyond what a login may cost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Argon2id with {memory_kib} KiB and {iterations} iterations is weaker than OWASP and ASVS allow \
     (19456 KiB with 2 iterations, 47104 with 1, 12288 with 3 or more), or beyond 1 GiB, or 4 GiB \
     over all iterations"
)]
pub struct CostError {
    memory_kib: u32,
    iterations: u32,
}

impl Cost {
    /// 19 MiB and 2 iterations (OWASP Password Storage Cheat Sheet, ASVS 5.0 appendix C).
    pub const DEFAULT: Self = Self {
        memory_kib: 19_456,
        iterations: 2,
    };

    /// Makes a cost that is no weaker than ASVS 5.0 appendix C allows, and no more than 1 GiB, or
    /// 4 GiB over all iterations.
    pub fn new(memory_kib: u32, iterations: u32) -> Result<Self, CostError> {
        let least = match iterations {
            0 => u32::MAX,
            1 => 47_104,
            2 => 19_456,
            _ => 12_288,
        };
        let cost = Self {
            memory_kib,
            iterations,
        };
        if memory_kib >= least && cost.is_bearable() {
            Ok(cost)
        } else {
            Err(CostError {
                memory_kib,
                iterations,
            })
        }
    }

    /// The work memory in KiB.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// The number of passes over the work memory.
    #[must_use]
    pub fn iterations(self) -> u32 {
        self.iterations
    }

    /// Whether a login may cost as much.
    pub(crate) fn is_bearable(self) -> bool {
        let work = u64::from(self.memory_kib) * u64::from(self.iterations);
        self.memory_kib <= MAX_MEMORY_KIB && work <= MAX_WORK_KIB
    }

    /// Argon2id with this cost.
    pub(crate) fn context(self) -> Argon2<'static> {
        // A cost that can be made is one that Argon2 allows.
        let params = Params::new(self.memory_kib, self.iterations, 1, Some(HASH_LENGTH));
        Argon2::new(
            Algorithm::Argon2id,
            Version::default(),
            params.unwrap_or_default(),
        )
    }

    /// The cost of a hash with these parameters, whatever their lanes.
    pub(crate) fn of(params: &Params) -> Self {
        Self {
            memory_kib: params.m_cost(),
            iterations: params.t_cost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_costs_are_refused() {
        for (memory, iterations) in [(19_455, 2), (47_103, 1), (12_287, 3), (65_536, 0)] {
            assert!(
                Cost::new(memory, iterations).is_err(),
                "{memory} {iterations}"
            );
        }
        for (memory, iterations) in [(19_456, 2), (47_104, 1), (12_288, 3), (12_288, 4)] {
            assert!(
                Cost::new(memory, iterations).is_ok(),
                "{memory} {iterations}"
            );
        }
    }

    #[test]
    fn costs_beyond_measure_are_refused() {
        for (memory, iterations, is_allowed) in [
            (1 << 20, 1, true),
            (1 << 20, 4, true),
            (1 << 20, 5, false),
            ((1 << 20) + 1, 1, false),
            (19_456, 215, true),
            (19_456, 216, false),
            (u32::MAX, u32::MAX, false),
        ] {
            let cost = Cost::new(memory, iterations);
            assert_eq!(cost.is_ok(), is_allowed, "{memory} {iterations}");
        }
    }

    #[test]
    fn a_cost_is_what_argon2_is_given() {
        let cost = Cost::new(12_288, 3).unwrap();
        assert_eq!((cost.memory_kib(), cost.iterations()), (12_288, 3));
        let argon2 = cost.context();
        let params = argon2.params();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (12_288, 3, 1)
        );
        assert_eq!(params.output_len(), Some(HASH_LENGTH));
        assert_eq!(Cost::of(params), cost);
    }
}
