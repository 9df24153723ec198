//! The exchanges captured from the legacy server.

use std::process::ExitCode;

fn main() -> ExitCode {
    testkit::corpus::run(
        include_str!("corpus/cases.jsonl"),
        include_str!("corpus/deviations.jsonl"),
    )
}
