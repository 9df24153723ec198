//! Why the program could not start or run.

/// An error of any part of the program. It is only ever shown.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
