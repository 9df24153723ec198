//! The request that is being served, as every step of its handling needs it.

use crate::audit::Entry;
use crate::clock::Timestamp;

/// One request: an HTTP request, one account of a sweep, a mail report or a run of `accounts`.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// The id of the request, as in logs, audit rows and mails.
    pub request_id: &'a str,
    /// The address that the gateway saw, or the part of the system that acts by itself.
    pub source: &'a str,
    /// Who is logged in: a user name, or an operator; `None` for an anonymous request.
    pub actor: Option<&'a str>,
    /// On whose behalf, as an operator says; `None` where the actor is all that is known.
    pub requester: Option<&'a str>,
    /// When the request began.
    pub now: Timestamp,
}

impl<'a> RequestContext<'a> {
    /// The audit entry for an event that this request caused on the account with this key.
    #[must_use]
    pub fn audit(&self, username: &'a str, event: &'static str) -> Entry<'a> {
        Entry {
            username,
            at: self.now,
            event,
            request_id: self.request_id,
            source: self.source,
            actor: self.actor,
            requester: self.requester,
            detail: None,
        }
    }
}
