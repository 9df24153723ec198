//! The exchanges captured from the legacy server and the sample events for `sam local invoke`, each
//! as a test with its own name.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let events = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/reset-user-password");
    testkit::run([
        testkit::corpus::trials(
            include_str!("../corpus/cases.jsonl"),
            include_str!("../corpus/deviations.jsonl"),
        ),
        testkit::events::trials(&events, |sandbox| &sandbox.functions.reset_user_password),
    ])
}
