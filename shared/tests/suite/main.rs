//! Tests of the shared crate through its public interface.

mod changes;
mod debug;
mod reset_protocol;
mod transitions;
