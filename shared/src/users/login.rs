//! What a login checks. Other applications do the same: see `docs/users-table.md`.

use super::{ResetMode, User};
use crate::clock::Timestamp;
use password::{HashError, Hasher, Secret, Verification};

/// The result of a login, and what to store because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Login {
    /// How it ended.
    pub outcome: Outcome,
    /// What the caller stores.
    pub write_back: Option<WriteBack>,
}

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The password is right.
    Valid,
    /// The password is right, was mailed, and opens nothing but the choice of another one.
    MustChange,
    /// The password was mailed and is too old: another reset is needed. Only who knows the
    /// password learns this.
    Expired,
    /// The name or the password is wrong, or the account is disabled.
    Wrong,
}

/// What a successful login stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteBack {
    /// A new hash of the same password, with [`super::Users::rehash`].
    Rehash,
    /// The temporary password takes the old one's place, with [`super::Users::use_temporary`]; the
    /// login is not valid before that is done.
    UseTemporary,
}

const WRONG: Login = Login {
    outcome: Outcome::Wrong,
    write_back: None,
};

/// Checks a password against an account, or against nothing when there is no such account: a name
/// that is not on file costs as much as a wrong password (ASVS 5.0 6.3.8).
///
/// Takes the CPU for one hash, or in [`ResetMode::Dual`] for two when the password is wrong. A
/// disabled account has no password, right or wrong.
pub fn verify(
    hasher: &Hasher,
    mode: ResetMode,
    user: Option<&User>,
    password: &Secret,
    now: Timestamp,
) -> Result<Login, HashError> {
    let user = user.filter(|user| !user.disabled);
    let stored = user.and_then(|user| user.password_hash.as_ref());
    if let Verification::Valid { needs_rehash } = compare(hasher, password, stored)? {
        return Ok(user.map_or(WRONG, |user| with_password(user, needs_rehash, now)));
    }
    let temporary = user.and_then(|user| user.temporary.as_ref());
    if temporary.is_none() && mode == ResetMode::Replace {
        return Ok(WRONG);
    }
    let hash = temporary.map(|temporary| &temporary.hash);
    match (compare(hasher, password, hash)?, temporary) {
        (Verification::Valid { .. }, Some(temporary)) => {
            Ok(with_temporary(now < temporary.expires_at))
        }
        _ => Ok(WRONG),
    }
}

/// What a login comes to whose password is known to be that of this account's `password_hash`.
pub fn recognise(user: &User, now: Timestamp) -> Login {
    if user.disabled {
        WRONG
    } else {
        with_password(user, false, now)
    }
}

fn compare(
    hasher: &Hasher,
    password: &Secret,
    stored: Option<&Secret>,
) -> Result<Verification, HashError> {
    match stored {
        Some(stored) => hasher.verify(password, stored),
        None => Ok(hasher.verify_dummy(password)),
    }
}

fn with_password(user: &User, needs_rehash: bool, now: Timestamp) -> Login {
    let outcome = if user.password_expires_at.is_some_and(|end| end <= now) {
        Outcome::Expired
    } else if user.must_change_password {
        Outcome::MustChange
    } else {
        Outcome::Valid
    };
    let write_back = (needs_rehash && outcome == Outcome::Valid).then_some(WriteBack::Rehash);
    Login {
        outcome,
        write_back,
    }
}

fn with_temporary(is_accepted: bool) -> Login {
    if is_accepted {
        Login {
            outcome: Outcome::MustChange,
            write_back: Some(WriteBack::UseTemporary),
        }
    } else {
        Login {
            outcome: Outcome::Expired,
            write_back: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::users::Temporary;
    use password::{Cost, Salt};

    const NOW: Timestamp = Timestamp(1_000);

    struct Fixture {
        hasher: Hasher,
        user: User,
    }

    impl Fixture {
        fn new() -> Self {
            let hasher = Hasher::new(Cost::DEFAULT);
            let hash = |password: &str| {
                let mut rng = ChaCha20Rng::seed_from_u64(1);
                hasher.hash(&Secret::from(password), Salt::generate(&mut rng))
            };
            let user = User {
                username: "u".to_owned(),
                display_username: "u".to_owned(),
                id: 1,
                email: None,
                display_name: String::new(),
                brand: None,
                language: None,
                roles: BTreeSet::new(),
                password_hash: Some(hash("old").unwrap()),
                password_changed_at: None,
                password_expires_at: None,
                must_change_password: false,
                temporary: Some(Temporary {
                    hash: hash("temporary").unwrap(),
                    expires_at: Timestamp(2_000),
                }),
                reset: None,
                disabled: false,
            };
            Self { hasher, user }
        }

        fn login(&self, password: &str, now: Timestamp) -> Login {
            let password = Secret::from(password);
            let user = Some(&self.user);
            verify(&self.hasher, ResetMode::Dual, user, &password, now).unwrap()
        }

        fn outcome(&self, password: &str) -> Outcome {
            self.login(password, NOW).outcome
        }
    }

    #[test]
    fn either_password_is_right_until_the_temporary_one_expires() {
        let fixture = Fixture::new();
        assert_eq!(fixture.outcome("old"), Outcome::Valid);
        assert_eq!(fixture.outcome("neither"), Outcome::Wrong);
        let temporary = fixture.login("temporary", NOW);
        assert_eq!(temporary.outcome, Outcome::MustChange);
        assert_eq!(temporary.write_back, Some(WriteBack::UseTemporary));
        let late = fixture.login("temporary", Timestamp(2_000));
        assert_eq!((late.outcome, late.write_back), (Outcome::Expired, None));
    }

    #[test]
    fn a_mailed_password_must_be_changed_and_expires() {
        let mut fixture = Fixture::new();
        fixture.user.must_change_password = true;
        fixture.user.password_expires_at = Some(Timestamp(1_001));
        assert_eq!(fixture.outcome("old"), Outcome::MustChange);
        fixture.user.password_expires_at = Some(NOW);
        assert_eq!(fixture.outcome("old"), Outcome::Expired);
        assert_eq!(fixture.outcome("neither"), Outcome::Wrong);
    }

    #[test]
    fn a_disabled_account_has_no_right_password() {
        let mut fixture = Fixture::new();
        fixture.user.disabled = true;
        assert_eq!(recognise(&fixture.user, NOW), WRONG);
        assert_eq!(fixture.login("old", NOW), WRONG);
        assert_eq!(fixture.login("temporary", NOW), WRONG);
    }

    #[test]
    fn nobody_has_no_right_password() {
        let hasher = Hasher::new(Cost::DEFAULT);
        for mode in [ResetMode::Replace, ResetMode::Dual] {
            for password in ["", "old"] {
                let login = verify(&hasher, mode, None, &Secret::from(password), NOW);
                assert_eq!(login, Ok(WRONG));
            }
        }
    }

    #[test]
    fn a_hash_with_other_parameters_is_replaced() {
        let mut fixture = Fixture::new();
        fixture.hasher = Hasher::new(Cost::new(20_000, 2).unwrap());
        assert_eq!(
            fixture.login("old", NOW).write_back,
            Some(WriteBack::Rehash)
        );
    }
}
