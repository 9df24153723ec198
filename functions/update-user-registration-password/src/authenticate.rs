//! The operation `Authenticate`: opens, shows and closes the session of a caller.

use std::sync::Arc;

use shared::context::RequestContext;
use shared::metrics::{self, Metric};
use shared::response_floor::ResponseFloor;
use shared::sessions::{Session, SessionId, Sessions};
use shared::users::Account;

use crate::authentication::PasswordCredential;
use crate::caller::{Callers, Credential};
use crate::config::SessionConfig;
use crate::error::Error;

const SECONDS_AN_HOUR: u64 = 3_600;

/// A call of the operation.
#[derive(Debug, Clone)]
pub enum Call {
    /// Opens a session.
    Login(Login),
    /// Returns the caller.
    Status(Credential),
    /// Closes the session, if there is one.
    Logout(Option<SessionId>),
}

/// A login that opens a session.
#[derive(Debug, Clone)]
pub struct Login {
    /// The credential of the user who logs in.
    pub credential: PasswordCredential,
    /// Whether the session lasts two weeks instead of `SESSION_HOURS`.
    pub is_permanent: bool,
    /// The session that the new one replaces (ASVS 5.0 7.2.4).
    pub replaced: Option<SessionId>,
}

/// The result of a call.
#[derive(Debug, Clone)]
pub enum Authenticated {
    /// A session was opened.
    LoggedIn(Caller, OpenedSession),
    /// The caller was identified.
    Known(Caller),
    /// The session, if there was one, was closed.
    LoggedOut,
}

/// The user who is logged in.
#[derive(Clone)]
pub struct Caller {
    /// The customer number.
    pub id: u64,
    /// The user name: as typed in if the call is a login, else as stored.
    pub username: String,
    /// The name of the person.
    pub display_name: String,
    /// The session. `None` if the caller sent a password with the request.
    pub session: Option<SessionId>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Caller(..)")
    }
}

/// A session that was just opened.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    /// Its id.
    pub id: SessionId,
    /// The other of the two ids that ServiceStack hands out. It belongs to no session.
    pub unused_id: SessionId,
    /// Whether the user asked to be remembered.
    pub is_permanent: bool,
}

impl Authenticated {
    /// The name of the log event (`docs/audit.md`). Names do not change.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::LoggedIn(..) => "session.opened",
            Self::Known(_) => "session.shown",
            Self::LoggedOut => "session.closed",
        }
    }
}

/// The name of the log event of an error (`docs/audit.md`). Names do not change.
#[must_use]
pub fn error_event(error: &Error) -> &'static str {
    match error {
        Error::InvalidCredential | Error::InvalidSession => error.event(),
        _ => "session.failed",
    }
}

/// The operation and its dependencies.
#[derive(Debug)]
pub struct Authenticate {
    callers: Arc<Callers>,
    sessions: Sessions,
    hours: u64,
}

impl Authenticate {
    /// Makes the operation. Sessions last for `hours`, unless they are permanent.
    #[must_use]
    pub fn new(callers: Arc<Callers>, sessions: Sessions, hours: u64) -> Self {
        Self {
            callers,
            sessions,
            hours,
        }
    }

    /// Executes a call.
    pub async fn execute(
        &self,
        call: &Call,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Authenticated, Error> {
        let result = match call {
            Call::Login(login) => self.log_in(login, ctx, floor).await,
            Call::Status(credential) => self.status(credential, ctx, floor).await,
            Call::Logout(session) => self.log_out(session.as_ref()).await,
        };
        let request_id = ctx.request_id;
        let event = result
            .as_ref()
            .map_or_else(error_event, Authenticated::event);
        match &result {
            Ok(Authenticated::LoggedOut) => tracing::info!(%request_id, event, "logged out"),
            Ok(_) => tracing::info!(%request_id, event, "authenticated"),
            Err(error @ Error::Unavailable(_)) => {
                let error: &dyn std::error::Error = error;
                metrics::count(Metric::Failures);
                tracing::error!(%request_id, event, error, "not authenticated");
            }
            Err(refusal) => tracing::info!(%request_id, event, %refusal, "not authenticated"),
        }
        result
    }

    /// Opens a session. A login that fails has the same limits, time and calls as one with Basic
    /// authentication.
    async fn log_in(
        &self,
        login: &Login,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Authenticated, Error> {
        let credential = Credential::Password(login.credential.clone());
        let account = self.callers.identify(&credential, ctx, floor).await?;
        if let Some(replaced) = &login.replaced {
            self.sessions.close(replaced).await?;
        }
        let hours = if login.is_permanent {
            SessionConfig::PERMANENT_HOURS
        } else {
            self.hours
        };
        let session = Session::begin(&account, ctx.now, hours * SECONDS_AN_HOUR);
        let id = self.sessions.open(&session).await?;
        let caller = Caller {
            username: login.credential.username.clone(),
            ..caller(account, Some(id.clone()))
        };
        let opened = OpenedSession {
            id,
            unused_id: self.sessions.generate_id(),
            is_permanent: login.is_permanent,
        };
        Ok(Authenticated::LoggedIn(caller, opened))
    }

    async fn status(
        &self,
        credential: &Credential,
        ctx: &RequestContext<'_>,
        floor: &ResponseFloor,
    ) -> Result<Authenticated, Error> {
        let account = self.callers.identify(credential, ctx, floor).await?;
        let session = match credential {
            Credential::Password(_) => None,
            Credential::Session(id) => Some(id.clone()),
        };
        Ok(Authenticated::Known(caller(account, session)))
    }

    async fn log_out(&self, session: Option<&SessionId>) -> Result<Authenticated, Error> {
        if let Some(id) = session {
            self.sessions.close(id).await?;
        }
        Ok(Authenticated::LoggedOut)
    }
}

fn caller(account: Account, session: Option<SessionId>) -> Caller {
    Caller {
        id: account.profile.id,
        username: account.profile.display_username,
        display_name: account.profile.display_name,
        session,
    }
}
