//! The cost of a hash.

use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Params, Version};

/// The length of a hash, in bytes.
pub(crate) const HASH_LENGTH: usize = 32;
/// The maximum cost of a hash: 1 GiB of memory, and 4 GiB over all passes, which takes seconds.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_WORK_KIB: u64 = 4 << 20;

/// The cost of one hash with Argon2id in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    iterations: u32,
}

/// The error for a cost that is too low to protect a password, or too high for a login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Argon2id with m={memory_kib} KiB and t={iterations} is not allowed: OWASP and ASVS require at \
     least 47104 KiB with 1 iteration, 19456 KiB with 2, or 12288 KiB with 3 or more; \
     the memory must not exceed 1 GiB; and memory times iterations must not exceed 4 GiB"
)]
pub struct CostError {
    memory_kib: u32,
    iterations: u32,
}

impl Cost {
    /// The default cost, 19 MiB and 2 iterations (OWASP Password Storage Cheat Sheet, ASVS 5.0
    /// appendix C).
    pub const DEFAULT: Self = Self {
        memory_kib: 19_456,
        iterations: 2,
    };

    /// The lowest cost that Argon2 accepts (RFC 9106 section 3.1), for tests. It protects no
    /// password, so [`Cost::new`] refuses it.
    pub const NEGLIGIBLE: Self = Self {
        memory_kib: 8,
        iterations: 1,
    };

    /// The working memory, in KiB, that [`Cost::new`] accepts with enough iterations.
    pub const MEMORY_KIB: RangeInclusive<u32> = 12_288..=MAX_MEMORY_KIB;
    /// The iterations that [`Cost::new`] accepts with the right working memory.
    pub const ITERATIONS: RangeInclusive<u32> = 1..=341;

    /// Makes a cost. Refuses one that is weaker than ASVS 5.0 appendix C allows, above 1 GiB, or
    /// above 4 GiB over all iterations.
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
        if memory_kib >= least && cost.is_affordable() {
            Ok(cost)
        } else {
            Err(CostError {
                memory_kib,
                iterations,
            })
        }
    }

    /// The working memory in KiB.
    #[must_use]
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// The number of passes over the working memory.
    #[must_use]
    pub fn iterations(self) -> u32 {
        self.iterations
    }

    /// Whether the cost is low enough for a login.
    pub(crate) fn is_affordable(self) -> bool {
        let work = u64::from(self.memory_kib) * u64::from(self.iterations);
        self.memory_kib <= MAX_MEMORY_KIB && work <= MAX_WORK_KIB
    }

    /// Returns Argon2id configured with this cost.
    pub(crate) fn context(self) -> Argon2<'static> {
        // Argon2 accepts every cost that `new` does.
        let params = Params::new(self.memory_kib, self.iterations, 1, Some(HASH_LENGTH));
        Argon2::new(
            Algorithm::Argon2id,
            Version::default(),
            params.unwrap_or_default(),
        )
    }

    /// The cost of a hash with these parameters. The number of lanes is ignored.
    pub(crate) fn from_params(params: &Params) -> Self {
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
        let Cost {
            memory_kib,
            iterations,
        } = Cost::NEGLIGIBLE;
        for (memory, iterations) in [
            (memory_kib, iterations),
            (19_455, 2),
            (47_103, 1),
            (12_287, 3),
            (65_536, 0),
        ] {
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
    fn excessive_costs_are_refused() {
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
    fn the_ranges_are_those_of_accepted_costs() {
        let (memory, iterations) = (Cost::MEMORY_KIB, Cost::ITERATIONS);
        assert!(Cost::new(*memory.start(), *iterations.end()).is_ok());
        assert!(Cost::new(*memory.end(), *iterations.start()).is_ok());
        for (memory, iterations) in [
            (memory.start() - 1, 3),
            (memory.end() + 1, 1),
            (*memory.start(), iterations.end() + 1),
            (*memory.end(), iterations.start() - 1),
        ] {
            let cost = Cost::new(memory, iterations);
            assert!(cost.is_err(), "{memory} {iterations}");
        }
    }

    #[test]
    fn argon2_gets_the_cost() {
        let cost = Cost::new(12_288, 3).unwrap();
        assert_eq!((cost.memory_kib(), cost.iterations()), (12_288, 3));
        let argon2 = cost.context();
        let params = argon2.params();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (12_288, 3, 1)
        );
        assert_eq!(params.output_len(), Some(HASH_LENGTH));
        assert_eq!(Cost::from_params(params), cost);
    }
}
