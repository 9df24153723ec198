//! Times in options.

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use shared::clock::Timestamp;

/// Parses a date, as midnight UTC, or a time in RFC 3339.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let time = if text.contains(['T', 't']) {
        text.to_owned()
    } else {
        format!("{text}T00:00:00Z")
    };
    let parsed = DateTime::from_str(&time, DateTimeFormat::DateTimeWithOffset);
    let seconds = parsed.ok().and_then(|time| u64::try_from(time.secs()).ok());
    seconds.map(Timestamp).ok_or_else(|| {
        "must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_dates_and_times() {
        for (text, seconds) in [
            ("1970-01-02", 86_400),
            ("2026-11-21T22:34:15Z", 1_795_300_455),
            (" 2026-11-22T00:34:15+02:00", 1_795_300_455),
        ] {
            assert_eq!(parse(text), Ok(Timestamp(seconds)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "31.01.2026",
            "1969-12-31",
            "2026-01-31T12",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
