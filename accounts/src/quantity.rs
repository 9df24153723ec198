//! Quantities.

/// A number of units, such as `1 day` or `2 days`. `unit` is the singular, with a regular plural.
pub(crate) fn quantity(number: u64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        for (number, text) in [(0, "0 days"), (1, "1 day"), (2, "2 days")] {
            assert_eq!(quantity(number, "day"), text);
        }
    }
}
