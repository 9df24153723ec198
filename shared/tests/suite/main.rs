//! What both functions share, from outside.

mod changes;
mod debug;
mod reset_protocol;
mod transitions;
