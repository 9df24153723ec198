//! Identification of the caller, by password or by session.

use shared::context::RequestContext;
use shared::response_floor::ResponseFloor;
use shared::sessions::{SessionId, Sessions};
use shared::users::Account;

use crate::authentication::{Authenticator, PasswordCredential};
use crate::error::Error;

/// The credential of a caller.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A name and a password, sent with the request.
    Password(PasswordCredential),
    /// A session that an earlier login opened.
    Session(SessionId),
}

/// Identifies callers.
#[derive(Debug)]
pub struct Callers {
    authenticator: Authenticator,
    /// `None` if sessions are disabled.
    sessions: Option<Sessions>,
}

impl Callers {
    /// Identifies callers by password and, if `sessions` is given, by session.
    #[must_use]
    pub(crate) fn new(authenticator: Authenticator, sessions: Option<Sessions>) -> Self {
        Self {
            authenticator,
            sessions,
        }
    }

    /// Finds and verifies the account of a credential. Only a failed login with a password waits
    /// for the response floor: session ids cannot be guessed, so the time it takes to refuse one
    /// reveals nothing.
    pub(crate) async fn identify(
        &self,
        credential: &Credential,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Account, Error> {
        match credential {
            Credential::Password(credential) => {
                Box::pin(self.authenticator.authenticate(credential, ctx, floor)).await
            }
            Credential::Session(id) => self.resume(id, ctx).await,
        }
    }

    /// Finds the account of a session. Session and account are read on every call, so a session
    /// ends at once after a password change, a deletion of the account or a logout.
    async fn resume(&self, id: &SessionId, ctx: &RequestContext<'_>) -> Result<Account, Error> {
        let sessions = self.sessions.as_ref().ok_or(Error::InvalidSession)?;
        let session = sessions.find(id).await?.ok_or(Error::InvalidSession)?;
        let account = self.authenticator.users.find(&session.username).await?;
        let admitted = account.filter(|account| session.admits(account, ctx.now));
        admitted.ok_or(Error::InvalidSession)
    }
}
