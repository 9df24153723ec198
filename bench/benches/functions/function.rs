//! The functions that are measured.

pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The number of rounds before the measurement.
pub(super) const WARM_UP: usize = 10;

/// A function and its events.
pub(super) struct Function {
    pub(super) binary: &'static str,
    pub(super) event: &'static str,
}

pub(super) const RESET: Function = Function {
    binary: "reset-user-password",
    event: include_str!("../../../events/reset-user-password/soap11.json"),
};

pub(super) const UPDATE: Function = Function {
    binary: "update-user-registration-password",
    event: include_str!("../../../events/update-user-registration-password/json.json"),
};
