//! The error type of the program.

/// An error of any part of the program, which is only printed.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Returns the messages of an error and its causes, in one line.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}
