//! The states that a request can be in.

/// A state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A successful reset.
    Known,
    Disabled,
    WithoutEmail,
    Limited,
    SesRefuses,
    /// SES takes longer than the floor.
    SesSlow,
    /// SES throttles every attempt.
    SesThrottles,
    SesHangsUp,
    /// SES refuses connections.
    SesGone,
    /// After the first call, which counts the request, DynamoDB accepts only second attempts.
    DynamoDbThrottles,
    /// DynamoDB does not answer after the first call.
    DynamoDbHangsUp,
    /// A reset that is the first request of a process.
    FirstRequest,
    /// A login with a wrong password, by user name.
    WrongPassword,
    /// A login with a wrong password, by email address.
    WrongPasswordByEmail,
    /// A login with a wrong password that would open a session.
    WrongPasswordForSession,
    /// A login with a wrong password to an account with a more expensive hash.
    CostlierHash,
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
        Self::CostlierHash,
        Self::DynamoDbHangsUp,
    ];

    /// The prefix of names for which DynamoDB has problems. The first call does not contain a name.
    /// Both names of a pair have the prefix.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::DynamoDbThrottles => THROTTLED,
            Self::DynamoDbHangsUp => HUNG_UP,
            _ => "",
        }
    }

    /// The address that selects this behaviour of SES.
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
                | Self::CostlierHash
        )
    }
}

// Markers in names and addresses, by which relays recognise calls.
pub(super) const REFUSED: &str = "refused-";
pub(super) const SLOW: &str = "slow-";
pub(super) const THROTTLED: &str = "throttled-";
pub(super) const HUNG_UP: &str = "hung-up-";
