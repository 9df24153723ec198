//! Numbers in options.

/// Parses a whole number of at least 1.
pub(crate) fn parse(text: &str) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "must be a whole number of at least 1".to_owned())
}
