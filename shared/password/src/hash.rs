//! Argon2id (RFC 9106) in PHC strings.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::{self, Output, PasswordHash};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand_core::CryptoRng;

use secrecy::zeroize::Zeroizing;

use super::imported::Imported;
use super::{ExposeSecret as _, Secret};

/// Bytes of the salt (RFC 9106 section 3.1) and of the hash.
const SALT_LENGTH: usize = 16;
const HASH_LENGTH: usize = 32;

/// The most that a hash may cost: 1 GiB of memory, and all passes together 4 GiB, which take
/// seconds.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_WORK_KIB: u64 = 4 << 20;

/// A salt for one hash.
#[derive(Debug, Clone, Copy)]
pub struct Salt([u8; SALT_LENGTH]);

impl Salt {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut salt = [0; SALT_LENGTH];
        rng.fill_bytes(&mut salt);
        Self(salt)
    }
}

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    iterations: u32,
}

/// A cost that is too low to protect a password, or that Argon2 does not allow.
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
    /// OWASP Password Storage Cheat Sheet and ASVS 5.0 appendix C: 19 MiB, 2 iterations, 1 lane.
    pub const DEFAULT: Self = Self {
        memory_kib: 19_456,
        iterations: 2,
    };

    /// A cost no weaker than ASVS 5.0 appendix C allows, and no more than 1 GiB, or 4 GiB over all
    /// iterations.
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

    /// The passes over the work memory.
    #[must_use]
    pub fn iterations(self) -> u32 {
        self.iterations
    }

    fn is_bearable(self) -> bool {
        let work = u64::from(self.memory_kib) * u64::from(self.iterations);
        self.memory_kib <= MAX_MEMORY_KIB && work <= MAX_WORK_KIB
    }

    fn params(self) -> Params {
        Params::new(self.memory_kib, self.iterations, 1, Some(HASH_LENGTH)).unwrap_or_default()
    }

    fn context(self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::default(), self.params())
    }

    fn of(params: &Params) -> Self {
        Self {
            memory_kib: params.m_cost(),
            iterations: params.t_cost(),
        }
    }
}

/// The result of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// It is the password.
    Valid {
        /// The stored hash has other parameters than new ones get: store a new one.
        needs_rehash: bool,
    },
    /// It is not.
    Invalid,
}

/// Why a password could not be hashed or a stored hash not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The stored value is in no format that is known here.
    #[error("the stored password hash is not readable")]
    Unreadable,
    /// The stored value demands more work than a login may cost.
    #[error("the stored password hash demands too much work")]
    TooCostly,
    /// Argon2 refused its input: a password beyond 4 GiB, or no memory.
    #[error("the password could not be hashed")]
    Refused,
}

/// A stored hash that was read and found to be in order.
pub struct Stored(Format);

enum Format {
    Argon2(Argon2Hash),
    Imported(Imported),
}

impl Stored {
    /// Takes a stored hash apart: what this accepts can be verified.
    pub fn parse(stored: &Secret) -> Result<Self, HashError> {
        let text = stored.expose_secret();
        Ok(Self(match Imported::parse(text)? {
            Some(imported) => Format::Imported(imported),
            None => Format::Argon2(Argon2Hash::parse(text)?),
        }))
    }

    /// The name of the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Format::Argon2(argon2) => argon2.algorithm.as_str(),
            Format::Imported(imported) => imported.algorithm(),
        }
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stored(..)")
    }
}

struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: phc::Salt,
    hash: Output,
}

impl Argon2Hash {
    fn parse(stored: &str) -> Result<Self, HashError> {
        let phc = PasswordHash::new(stored).map_err(|_| HashError::Unreadable)?;
        let algorithm =
            Algorithm::new(phc.algorithm.as_str()).map_err(|_| HashError::Unreadable)?;
        let params = Params::try_from(&phc).map_err(|_| HashError::Unreadable)?;
        let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else {
            return Err(HashError::Unreadable);
        };
        let version = match phc.version {
            Some(version) => Version::try_from(version).map_err(|_| HashError::Unreadable)?,
            None => Version::V0x10,
        };
        if !Cost::of(&params).is_bearable() {
            return Err(HashError::TooCostly);
        }
        Ok(Self {
            algorithm,
            version,
            params,
            salt,
            hash,
        })
    }

    fn needs_rehash(&self, cost: Cost) -> bool {
        self.algorithm != Algorithm::Argon2id
            || Cost::of(&self.params) != cost
            || self.params.p_cost() != 1
            || self.version != Version::default()
            || self.hash.len() != HASH_LENGTH
    }
}

/// Hashes and verifies. Clones share the work memory.
///
/// The calls take the CPU for tens of milliseconds; async callers run them where that is allowed.
#[derive(Debug, Clone)]
pub struct Hasher {
    cost: Cost,
    memories: Arc<Memories>,
}

impl Hasher {
    /// A hasher whose first work memory is being made: the first hash may have to wait for it.
    #[must_use]
    pub fn new(cost: Cost) -> Self {
        let memories = Memories::new(cost.params().block_count());
        Self { cost, memories }
    }

    /// The PHC string of `password` under `salt`.
    pub fn hash(&self, password: &Secret, Salt(salt): Salt) -> Result<Secret, HashError> {
        let context = self.cost.context();
        let output = self.compute(&context, password, &salt, HASH_LENGTH)?;
        let phc = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::default().into()),
            params: context
                .params()
                .try_into()
                .map_err(|_| HashError::Refused)?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| HashError::Refused)?),
            hash: Some(output),
        };
        Ok(Secret::from(phc.to_string()))
    }

    /// Compares `password` with a stored hash, in constant time once both hashes are there.
    ///
    /// An imported hash costs one of Argon2 on top: most are far cheaper, and a name that has one
    /// must not be answered sooner than a name that is not on file.
    pub fn verify(&self, password: &Secret, stored: &Secret) -> Result<Verification, HashError> {
        let (is_right, needs_rehash) = match Stored::parse(stored)?.0 {
            Format::Argon2(argon2) => (
                self.matches(password, &argon2)?,
                argon2.needs_rehash(self.cost),
            ),
            Format::Imported(imported) => {
                let _ = self.verify_nothing(password);
                (imported.matches(password), true)
            }
        };
        Ok(if is_right {
            Verification::Valid { needs_rehash }
        } else {
            Verification::Invalid
        })
    }

    fn matches(&self, password: &Secret, stored: &Argon2Hash) -> Result<bool, HashError> {
        let context = Argon2::new(stored.algorithm, stored.version, stored.params.clone());
        let found = self.compute(&context, password, &stored.salt, stored.hash.len())?;
        // `Output` compares in constant time.
        Ok(found == stored.hash)
    }

    /// Spends the time of one [`Hasher::verify`] for a name that has no hash, so that the answer
    /// does not come sooner (OWASP Authentication Cheat Sheet, "Authentication Responses").
    pub fn verify_nothing(&self, password: &Secret) -> Verification {
        let salt = [0_u8; SALT_LENGTH];
        // Whether it could be computed makes no difference to the answer.
        let _ = self.compute(&self.cost.context(), password, &salt, HASH_LENGTH);
        Verification::Invalid
    }

    fn compute(
        &self,
        context: &Argon2<'_>,
        password: &Secret,
        salt: &[u8],
        length: usize,
    ) -> Result<Output, HashError> {
        let params = context.params();
        let (memory_kib, iterations) = (params.m_cost(), params.t_cost());
        tracing::trace!(memory_kib, iterations, "Argon2");
        let blocks = params.block_count();
        let password = password.expose_secret().as_bytes();
        let mut memory = self.memories.take();
        if memory.len() < blocks {
            memory.resize(blocks, Block::new());
        }
        let mut hash = Zeroizing::new(vec![0_u8; length]);
        let result = context.hash_password_into_with_memory(
            password,
            salt,
            hash.as_mut_slice(),
            memory.as_mut_slice(),
        );
        self.memories.give_back(memory);
        result.map_err(|_| HashError::Refused)?;
        Output::new(&hash).map_err(|_| HashError::Refused)
    }
}

/// Work memory that is allocated and touched once and used again: fresh memory costs as much in
/// page faults as the hash itself. One for each core: the first at once, others when first needed.
#[derive(Debug)]
struct Memories {
    blocks: usize,
    limit: usize,
    state: Mutex<Idle>,
    returned: Condvar,
}

struct Idle {
    memories: Vec<Vec<Block>>,
    made: usize,
    is_first_made: bool,
}

impl std::fmt::Debug for Idle {
    /// Not the blocks: they are derived from passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idle")
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

impl Memories {
    /// Makes the first one in a thread of its own: touching it takes as long as all else that a
    /// process does at its start.
    fn new(blocks: usize) -> Arc<Self> {
        let memories = Arc::new(Self {
            blocks,
            limit: std::thread::available_parallelism().map_or(1, usize::from),
            state: Mutex::new(Idle {
                memories: vec![],
                made: 1,
                is_first_made: false,
            }),
            returned: Condvar::new(),
        });
        let first = Arc::clone(&memories);
        let thread = std::thread::Builder::new().spawn(move || first.make_first());
        if thread.is_err() {
            memories.make_first();
        }
        memories
    }

    fn make_first(&self) {
        let memory = vec![Block::new(); self.blocks];
        let mut idle = self.lock();
        idle.memories.push(memory);
        idle.is_first_made = true;
        self.returned.notify_all();
    }

    fn take(&self) -> Vec<Block> {
        let mut idle = self.lock();
        loop {
            if let Some(memory) = idle.memories.pop() {
                return memory;
            }
            if idle.is_first_made && idle.made < self.limit {
                idle.made += 1;
                drop(idle);
                return vec![Block::new(); self.blocks];
            }
            idle = self
                .returned
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, mut memory: Vec<Block>) {
        wipe(&mut memory);
        self.lock().memories.push(memory);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the left-over blocks useless for guessing the password.
///
/// From a whole final state the passes can be run backwards to the first block, which is one
/// BLAKE2b away from the password. Every such step, and every step forward, evaluates the
/// compression function G on a whole block, and each output bit of G depends on each input bit
/// (RFC 9106 sections 3.4 to 3.6). So 512 unknown bits in every block stop it, and cost a tenth of
/// wiping all of it.
fn wipe(memory: &mut [Block]) {
    for block in memory {
        for word in block.as_mut().iter_mut().take(8) {
            *word = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn salt(seed: u8) -> Salt {
        Salt::generate(&mut ChaCha20Rng::from_seed([seed; 32]))
    }

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn hashes_are_phc_strings_with_the_configured_cost() {
        let hasher = Hasher::new(Cost::new(12_288, 3).unwrap());
        let phc = hasher.hash(&secret("p@55wOrd"), salt(1)).unwrap();
        assert!(
            phc.expose_secret()
                .starts_with("$argon2id$v=19$m=12288,t=3,p=1$")
        );
        assert_eq!(
            hasher.verify(&secret("p@55wOrd"), &phc),
            Ok(Verification::Valid {
                needs_rehash: false
            })
        );
        assert_eq!(
            hasher.verify(&secret("p@55word"), &phc),
            Ok(Verification::Invalid)
        );
    }

    #[test]
    fn every_hash_has_its_own_salt() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut hash = || {
            hasher
                .hash(&secret("same"), Salt::generate(&mut rng))
                .unwrap()
        };
        assert_ne!(hash().expose_secret(), hash().expose_secret());
    }

    /// RFC 9106 section 5.3 has a secret and associated data, which PHC strings lack; this one was
    /// made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16`.
    #[test]
    fn verifies_hashes_of_the_reference_implementation() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                         $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert_eq!(
            hasher.verify(&secret("password"), &secret(reference)),
            Ok(Verification::Valid { needs_rehash: true })
        );
    }

    #[test]
    fn other_parameters_need_a_rehash() {
        let old = Hasher::new(Cost::new(12_288, 3).unwrap());
        let phc = old.hash(&secret("x"), salt(1)).unwrap();
        let new = Hasher::new(Cost::DEFAULT);
        assert_eq!(
            new.verify(&secret("x"), &phc),
            Ok(Verification::Valid { needs_rehash: true })
        );
        assert_eq!(new.verify(&secret("y"), &phc), Ok(Verification::Invalid));
    }

    #[test]
    fn what_is_no_hash_verifies_nothing() {
        let hasher = Hasher::new(Cost::DEFAULT);
        for stored in [
            "",
            "plain",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            "$1$abc$def",
        ] {
            assert_eq!(
                hasher.verify(&secret("x"), &secret(stored)),
                Err(HashError::Unreadable),
                "{stored}"
            );
        }
    }

    /// Membership's one SHA-1 would answer a thousand times sooner than a name that is not on file.
    #[test]
    fn an_imported_hash_costs_an_argon2_too() {
        let stored =
            "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=";
        for password in ["Pässwörd 1 €", "wrong"] {
            let hasher = Hasher::new(Cost::DEFAULT);
            let verification = hasher.verify(&secret(password), &secret(stored)).unwrap();
            assert_eq!(verification != Verification::Invalid, password != "wrong");
            let used = hasher.memories.take();
            let is_used = |block: &Block| block.as_ref().iter().any(|&word| word != 0);
            assert!(used.iter().all(is_used), "{password}");
        }
    }

    #[test]
    fn work_beyond_measure_is_refused() {
        let hasher = Hasher::new(Cost::DEFAULT);
        for cost in [
            "m=1048577,t=1,p=1",
            "m=1048576,t=5,p=1",
            "m=19456,t=216,p=1",
        ] {
            let stored =
                format!("$argon2id$v=19${cost}$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8");
            assert_eq!(
                hasher.verify(&secret("x"), &secret(&stored)),
                Err(HashError::TooCostly),
                "{cost}"
            );
        }
        assert!(Cost::new(1 << 20, 4).is_ok());
        assert!(Cost::new(1 << 20, 5).is_err());
    }

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
    fn used_memory_is_wiped() {
        let hasher = Hasher::new(Cost::DEFAULT);
        hasher.hash(&secret("x"), salt(1)).unwrap();
        for block in &hasher.memories.take() {
            assert!(block.as_ref().iter().take(8).all(|&word| word == 0));
        }
    }

    #[test]
    fn one_hash_after_the_other_uses_the_same_memory() {
        let hasher = Hasher::new(Cost::DEFAULT);
        let address = || {
            let memory = hasher.memories.take();
            let address = memory.as_ptr();
            hasher.memories.give_back(memory);
            address
        };
        let first = address();
        for seed in 0..3 {
            let stored = hasher.hash(&secret("p@55wOrd"), salt(seed)).unwrap();
            let _ = hasher.verify(&secret("p@55wOrd"), &stored).unwrap();
            assert_eq!(address(), first);
        }
        assert_eq!(hasher.memories.lock().made, 1);
    }

    #[test]
    fn concurrent_hashes_share_bounded_memory() {
        let hasher = Hasher::new(Cost::DEFAULT);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| hasher.hash(&secret("x"), salt(1)).unwrap());
            }
        });
        let idle = hasher.memories.lock();
        assert_eq!(idle.made, idle.memories.len());
        assert!(idle.made <= hasher.memories.limit);
    }
}
