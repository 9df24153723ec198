//! The states that a request can get into.

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A reset that is done.
    Known,
    Disabled,
    WithoutEmail,
    Limited,
    SesRefuses,
    /// SES takes longer than the floor.
    SesSlow,
    /// SES wants every attempt to be made later.
    SesThrottles,
    SesHangsUp,
    /// SES refuses connections.
    SesGone,
    /// After its first call, which counts the request, DynamoDB takes the second attempt at each.
    DynamoDbThrottles,
    /// After its first call DynamoDB answers none.
    DynamoDbHangsUp,
    /// A reset that is the first request of a process.
    FirstRequest,
    /// A login with a wrong password, by user name.
    WrongPassword,
    /// The same by e-mail address.
    WrongPasswordByEmail,
    /// The same where the login would open a session.
    WrongPasswordForSession,
    /// The same for a hash that costs more than others.
    DearerHash,
}

impl State {
    pub(crate) const ALL: [Self; 16] = [
        Self::Known,
        Self::Disabled,
        Self::WithoutEmail,
        Self::Limited,
        Self::SesRefuses,
        Self::SesSlow,
        Self::SesThrottles,
        Self::SesHangsUp,
        Self::SesGone,
        Self::DynamoDbThrottles,
        Self::FirstRequest,
        Self::WrongPassword,
        Self::WrongPasswordByEmail,
        Self::WrongPasswordForSession,
        Self::DearerHash,
        Self::DynamoDbHangsUp,
    ];

    /// Where trouble with DynamoDB begins: in names, which its first call does not have. Whoever is
    /// asked for meets it.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::DynamoDbThrottles => THROTTLED,
            Self::DynamoDbHangsUp => HUNG_UP,
            _ => "",
        }
    }

    /// The address whose mails have this fate.
    pub(super) fn address(self) -> Option<&'static str> {
        match self {
            Self::SesRefuses => Some(REFUSED),
            Self::SesSlow => Some(SLOW),
            Self::SesThrottles => Some(THROTTLED),
            Self::SesHangsUp => Some(HUNG_UP),
            _ => None,
        }
    }

    pub(super) fn is_login(self) -> bool {
        matches!(
            self,
            Self::WrongPassword
                | Self::WrongPasswordByEmail
                | Self::WrongPasswordForSession
                | Self::DearerHash
        )
    }
}

// What marks names and addresses, and so the calls about them.
pub(super) const REFUSED: &str = "refused-";
pub(super) const SLOW: &str = "slow-";
pub(super) const THROTTLED: &str = "throttled-";
pub(super) const HUNG_UP: &str = "hung-up-";
