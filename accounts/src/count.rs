//! Numbers as operators type them.

/// A whole number from 1.
pub(crate) fn parse(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "use a whole number from 1".to_owned())
}
