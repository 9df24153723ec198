//! The rules of a login. Other applications follow the same rules (`docs/users-table.md`).

use super::item::Account;
use super::protocol::ResetMode;
use crate::clock::Timestamp;
use password::{HashError, Hasher, Secret, Verification};

/// The result of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Login {
    /// The outcome.
    pub outcome: LoginOutcome,
    /// The change that the caller must store.
    pub write_back: Option<WriteBack>,
}

/// The outcome of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOutcome {
    /// The password is right.
    Valid,
    /// The password is right, but it was mailed and must be changed before anything else.
    MustChange,
    /// The password is right, but it was mailed and has expired. The user needs another reset.
    Expired,
    /// The name or the password is wrong, or the account is disabled.
    Wrong,
}

/// A change that a successful login stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteBack {
    /// A new hash of the same password, with [`super::Users::rehash`].
    Rehash,
    /// The temporary password instead of the old one, with [`super::Users::use_temporary`]. The
    /// login is valid once this is stored.
    UseTemporary,
}

const WRONG: Login = Login {
    outcome: LoginOutcome::Wrong,
    write_back: None,
};

/// An attempt to log in.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The password that was entered.
    pub password: Secret,
    /// The reset mode of the service, which determines how many hashes an attempt with an unknown
    /// name computes.
    pub mode: ResetMode,
    /// The time of the attempt.
    pub now: Timestamp,
}

/// Checks a password against an account, or against a dummy hash if there is no account, so that an
/// unknown name takes as long as a wrong password (ASVS 5.0 6.3.8).
///
/// Computes one hash if the password matches the account's own. Otherwise, computes a second one in
/// [`ResetMode::Dual`], or if the account has a temporary password. Every password of a disabled
/// account is wrong.
pub fn verify(
    hasher: &Hasher,
    account: Option<&Account>,
    attempt: &Attempt,
) -> Result<Login, HashError> {
    let Attempt {
        password,
        mode,
        now,
    } = attempt;
    let account = account.filter(|account| !account.disabled);
    let stored = account.and_then(|account| account.password_hash.as_ref());
    if let Verification::Valid { needs_rehash } = compare(hasher, password, stored)? {
        return Ok(account.map_or(WRONG, |account| with_password(account, needs_rehash, *now)));
    }
    let temporary = account.and_then(|account| account.temporary.as_ref());
    if temporary.is_none() && *mode == ResetMode::Replace {
        return Ok(WRONG);
    }
    let hash = temporary.map(|temporary| &temporary.hash);
    match (compare(hasher, password, hash)?, temporary) {
        (Verification::Valid { .. }, Some(temporary)) => {
            Ok(with_temporary(*now < temporary.expires_at))
        }
        _ => Ok(WRONG),
    }
}

/// The result of a login with a password that is already known to match the account's
/// `password_hash`.
pub fn recognise(account: &Account, now: Timestamp) -> Login {
    if account.disabled {
        WRONG
    } else {
        with_password(account, false, now)
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

fn with_password(account: &Account, needs_rehash: bool, now: Timestamp) -> Login {
    let outcome = if account.password_expires_at.is_some_and(|end| end <= now) {
        LoginOutcome::Expired
    } else if account.must_change_password {
        LoginOutcome::MustChange
    } else {
        LoginOutcome::Valid
    };
    let write_back = (needs_rehash && outcome == LoginOutcome::Valid).then_some(WriteBack::Rehash);
    Login {
        outcome,
        write_back,
    }
}

fn with_temporary(is_accepted: bool) -> Login {
    if is_accepted {
        Login {
            outcome: LoginOutcome::MustChange,
            write_back: Some(WriteBack::UseTemporary),
        }
    } else {
        Login {
            outcome: LoginOutcome::Expired,
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
    use crate::users::{Profile, TemporaryPassword, UsernameKey};
    use password::{Cost, Salt};

    const NOW: Timestamp = Timestamp(1_000);

    fn attempt(password: &str, mode: ResetMode, now: Timestamp) -> Attempt {
        Attempt {
            password: Secret::from(password),
            mode,
            now,
        }
    }

    struct Fixture {
        hasher: Hasher,
        account: Account,
    }

    impl Fixture {
        fn new() -> Self {
            let hasher = Hasher::new(Cost::DEFAULT);
            let hash = |password: &str| {
                let mut rng = ChaCha20Rng::seed_from_u64(1);
                hasher.hash(&Secret::from(password), Salt::generate(&mut rng))
            };
            let account = Account {
                profile: Profile {
                    username: UsernameKey::new("u"),
                    display_username: "u".to_owned(),
                    id: 1,
                    email: None,
                    display_name: String::new(),
                    brand: None,
                    language: None,
                },
                roles: BTreeSet::new(),
                password_hash: Some(hash("old").unwrap()),
                password_changed_at: None,
                password_expires_at: None,
                must_change_password: false,
                temporary: Some(TemporaryPassword {
                    hash: hash("temporary").unwrap(),
                    expires_at: Timestamp(2_000),
                }),
                reset: None,
                disabled: false,
                email_failed_at: None,
                version: 0,
                sessions_valid_after: None,
            };
            Self { hasher, account }
        }

        fn login(&self, password: &str, now: Timestamp) -> Login {
            let attempt = attempt(password, ResetMode::Dual, now);
            verify(&self.hasher, Some(&self.account), &attempt).unwrap()
        }

        fn outcome(&self, password: &str) -> LoginOutcome {
            self.login(password, NOW).outcome
        }
    }

    #[test]
    fn both_passwords_are_valid_until_the_temporary_one_expires() {
        let fixture = Fixture::new();
        assert_eq!(fixture.outcome("old"), LoginOutcome::Valid);
        assert_eq!(fixture.outcome("neither"), LoginOutcome::Wrong);
        let temporary = fixture.login("temporary", NOW);
        assert_eq!(temporary.outcome, LoginOutcome::MustChange);
        assert_eq!(temporary.write_back, Some(WriteBack::UseTemporary));
        let late = fixture.login("temporary", Timestamp(2_000));
        assert_eq!(
            (late.outcome, late.write_back),
            (LoginOutcome::Expired, None)
        );
    }

    #[test]
    fn a_mailed_password_must_be_changed_and_expires() {
        let mut fixture = Fixture::new();
        fixture.account.must_change_password = true;
        fixture.account.password_expires_at = Some(Timestamp(1_001));
        assert_eq!(fixture.outcome("old"), LoginOutcome::MustChange);
        fixture.account.password_expires_at = Some(NOW);
        assert_eq!(fixture.outcome("old"), LoginOutcome::Expired);
        assert_eq!(fixture.outcome("neither"), LoginOutcome::Wrong);
    }

    #[test]
    fn a_disabled_account_has_no_valid_password() {
        let mut fixture = Fixture::new();
        fixture.account.disabled = true;
        assert_eq!(recognise(&fixture.account, NOW), WRONG);
        assert_eq!(fixture.login("old", NOW), WRONG);
        assert_eq!(fixture.login("temporary", NOW), WRONG);
    }

    #[test]
    fn an_unknown_name_has_no_valid_password() {
        let hasher = Hasher::new(Cost::DEFAULT);
        for mode in [ResetMode::Replace, ResetMode::Dual] {
            for password in ["", "old"] {
                let login = verify(&hasher, None, &attempt(password, mode, NOW));
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

    /// The user soon replaces a mailed password, so its hash is not renewed. Nor is that of an
    /// expired one, with which no login succeeds.
    #[test]
    fn only_a_password_of_the_user_gets_a_new_hash() {
        let mut fixture = Fixture::new();
        fixture.hasher = Hasher::new(Cost::new(20_000, 2).unwrap());
        fixture.account.must_change_password = true;
        let mailed = fixture.login("old", NOW);
        assert_eq!(
            (mailed.outcome, mailed.write_back),
            (LoginOutcome::MustChange, None)
        );
        fixture.account.password_expires_at = Some(NOW);
        let expired = fixture.login("old", NOW);
        assert_eq!(
            (expired.outcome, expired.write_back),
            (LoginOutcome::Expired, None)
        );
    }
}
