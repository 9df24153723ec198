//! The error type of the program.

/// An error of any part of the program, which is only printed.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
