//! The context of a request: its id, its time, and who sent it.

use crate::audit::Entry;
use crate::clock::Timestamp;

/// The context of an HTTP request, of one account in a sweep, of a mail report, or of a run of
/// `accounts`.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// The id of the request, as in logs, audit rows and emails.
    pub request_id: &'a str,
    /// The caller's address as the front door or, without one, the gateway saw it. Or the name of
    /// the part of the system that acts on its own.
    pub source: &'a str,
    /// The user name of the logged-in account, or an operator. `None` for an anonymous request.
    pub actor: Option<&'a str>,
    /// The operator's own name, as the operator states it. `None` if only the actor is known.
    pub requester: Option<&'a str>,
    /// The time at which the request began.
    pub now: Timestamp,
}

impl<'a> RequestContext<'a> {
    /// Makes the audit entry for an event that this request caused on the account with this key.
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
