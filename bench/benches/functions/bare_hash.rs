//! The bare hash, the unavoidable cost: Argon2id with the default parameters.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use nix::time::ClockId;

use super::process::cpu_time;
use super::statistic::median;
use super::{Error, WARM_UP};

/// A hasher that reuses its memory.
pub(super) struct BareHash {
    context: Argon2<'static>,
    memory: Vec<Block>,
}

impl BareHash {
    pub(super) fn new() -> Result<Self, Error> {
        let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| error.to_string())?;
        let memory = vec![Block::new(); params.block_count()];
        let context = Argon2::new(Algorithm::Argon2id, Version::default(), params);
        let mut bare = Self { context, memory };
        for _ in 0..WARM_UP {
            bare.cpu_time()?;
        }
        Ok(bare)
    }

    /// The CPU time of one hash.
    pub(super) fn cpu_time(&mut self) -> Result<Duration, Error> {
        let before = cpu_time(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
        self.context
            .hash_password_into_with_memory(
                b"346789-abcdef-ghjkmn-pqrtuv-wxyCEF",
                b"0123456789abcdef",
                &mut [0; 32],
                self.memory.as_mut_slice(),
            )
            .map_err(|error| error.to_string())?;
        Ok(cpu_time(ClockId::CLOCK_THREAD_CPUTIME_ID)?.saturating_sub(before))
    }

    /// The median of this number of hashes.
    pub(super) fn median(rounds: u32) -> Result<Duration, Error> {
        let mut bare = Self::new()?;
        let rounds = (0..rounds).map(|_| bare.cpu_time());
        Ok(median(rounds.collect::<Result<Vec<_>, _>>()?))
    }

    /// The number of hashes per second if every core only hashes. Because of shared caches and the
    /// memory bus, it is lower than the number of cores divided by the time of one hash.
    pub(super) fn rate_on(cores: u32, rounds: u32) -> Result<f64, Error> {
        let rate = || -> Result<f64, Error> {
            let mut bare = Self::new()?;
            let began = Instant::now();
            for _ in 0..rounds {
                bare.cpu_time()?;
            }
            Ok(f64::from(rounds) / began.elapsed().as_secs_f64())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(rate)).collect();
            let rates = threads.into_iter().map(|thread| match thread.join() {
                Ok(rate) => rate,
                Err(_) => Err("a thread panicked".into()),
            });
            rates.sum()
        })
    }
}
