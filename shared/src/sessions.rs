//! The Sessions table: the sessions that are open, and when they end.
//!
//! The key of an item is the SHA-256 of a session's id, so a reader of the table cannot use the
//! sessions in it. Each call checks a session against its account: see [`Session::admits`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use password::{ExposeSecret as _, Secret};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::dynamodb::{Item, StoreError, get_number, get_text, number, text};
use crate::users::{Account, LoginOutcome, UsernameKey, recognise};

/// The number of random bytes of an id: 144 bits, while ASVS 5.0 7.2.3 requires 128.
const ID_BYTES: usize = 18;
/// The length of an id in Base64, in characters.
const ID_LENGTH: usize = ID_BYTES * 4 / 3;

/// The id of a session. It is a secret: knowing it is enough to be logged in.
#[derive(Clone)]
pub struct SessionId(Secret);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

impl SessionId {
    /// Generates an id of 24 characters in URL-safe Base64 (RFC 4648 section 5).
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; ID_BYTES];
        rng.fill_bytes(&mut bytes);
        Self(Secret::from(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Parses an id that a caller sent. `None` if it does not have the form of an id, so that no
    /// look-up is needed.
    #[must_use]
    pub fn parse(sent: &str) -> Option<Self> {
        let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_id = sent.len() == ID_LENGTH && sent.bytes().all(is_of_id);
        is_id.then(|| Self(Secret::from(sent)))
    }

    /// The id as text. It may only be sent to the caller that it belongs to.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The SHA-256 of the id in hexadecimal. The id is random, so no salt is needed.
    fn digest(&self) -> String {
        let digest = Sha256::digest(self.expose());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A session with the state of its account at login.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The key of the account that logged in.
    pub username: UsernameKey,
    /// The account's `version` at login.
    version: u64,
    /// The time of the login.
    created_at: Timestamp,
    /// The time at which the session ends, however often it is used.
    expires_at: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Session {
    /// Makes the session of an account that has just logged in.
    #[must_use]
    pub fn begin(account: &Account, now: Timestamp, lifetime_seconds: u64) -> Self {
        Self {
            username: account.profile.username.clone(),
            version: account.version,
            created_at: now,
            expires_at: now.plus_seconds(lifetime_seconds),
        }
    }

    /// Whether the account is still logged in with this session: the session has not ended, the
    /// password is still the same and valid, the account's sessions have not been ended since, and
    /// the account is not disabled.
    #[must_use]
    pub fn admits(&self, account: &Account, now: Timestamp) -> bool {
        let is_ended = account
            .sessions_valid_after
            .is_some_and(|end| end > self.created_at);
        let login = recognise(account, now);
        now < self.expires_at
            && account.version == self.version
            && !is_ended
            && matches!(
                login.outcome,
                LoginOutcome::Valid | LoginOutcome::MustChange
            )
    }

    fn item(&self, id: &SessionId) -> Item {
        [
            ("id", text(&id.digest())),
            ("username", text(self.username.as_str())),
            ("version", number(self.version)),
            ("created_at", number(self.created_at.0)),
            ("expires_at", number(self.expires_at.0)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn read(item: &Item) -> Option<Self> {
        let time = |name| get_number(item, name).map(Timestamp);
        Some(Self {
            username: UsernameKey::stored(get_text(item, "username")?.to_owned()),
            version: get_number(item, "version")?,
            created_at: time("created_at")?,
            expires_at: time("expires_at")?,
        })
    }
}

/// The Sessions table: key `id`, items expire at `expires_at`.
#[derive(Clone)]
pub struct Sessions {
    client: Client,
    table: String,
    rng: Arc<Mutex<dyn CryptoRng + Send>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// Uses the table with this name. Ids are generated with `rng`.
    #[must_use]
    pub fn new(client: Client, table: String, rng: impl CryptoRng + Send + 'static) -> Self {
        Self {
            client,
            table,
            rng: Arc::new(Mutex::new(rng)),
        }
    }

    /// Generates an id.
    #[must_use]
    pub fn generate_id(&self) -> SessionId {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        SessionId::generate(&mut *rng)
    }

    /// Stores a session under a new id.
    pub async fn open(&self, session: &Session) -> Result<SessionId, StoreError> {
        let id = self.generate_id();
        let request = self.client.put_item().table_name(&self.table);
        let request = request.set_item(Some(session.item(&id)));
        request.send().await.map_err(StoreError::unavailable)?;
        Ok(id)
    }

    /// Reads the session with this id, consistently.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let request = self.client.get_item().table_name(&self.table);
        let request = request.key("id", text(&id.digest())).consistent_read(true);
        let output = request.send().await.map_err(StoreError::unavailable)?;
        Ok(output.item.as_ref().and_then(Session::read))
    }

    /// Deletes the session with this id, if there is one.
    pub async fn close(&self, id: &SessionId) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.table);
        let request = request.key("id", text(&id.digest()));
        request.send().await.map_err(StoreError::unavailable)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    fn id(seed: u64) -> SessionId {
        SessionId::generate(&mut ChaCha20Rng::seed_from_u64(seed))
    }

    #[test]
    fn a_generated_id_can_be_parsed() {
        let id = id(1);
        assert_eq!(id.expose().len(), 24);
        assert_eq!(SessionId::parse(id.expose()).unwrap().digest(), id.digest());
        for sent in [
            "",
            "x",
            "AAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "ÄÄÄÄÄÄÄÄÄÄÄÄ",
        ] {
            assert!(SessionId::parse(sent).is_none(), "{sent}");
        }
    }

    #[test]
    fn an_id_is_neither_in_debug_output_nor_in_an_item() {
        let id = id(2);
        let session = Session {
            username: UsernameKey::new("admin"),
            version: 7,
            created_at: Timestamp(1_000),
            expires_at: Timestamp(2_000),
        };
        let item = session.item(&id);
        let shown = format!("{id:?} {session:?} {item:?}");
        assert!(!shown.contains(id.expose()), "{shown}");
        assert_eq!(Session::read(&item), Some(session));
    }
}
