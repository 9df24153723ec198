//! The exchanges captured from the legacy server, bound request bodies, sessions, and the sample
//! events for `sam local invoke`, each as a test with its own name.

mod binding;
mod sessions;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let events = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../events/update-user-registration-password");
    testkit::run([
        testkit::corpus::trials(
            include_str!("../corpus/cases.jsonl"),
            include_str!("../corpus/deviations.jsonl"),
        ),
        Ok(binding::trials()),
        sessions::trials(),
        testkit::events::trials(&events, |sandbox| {
            &sandbox.functions.update_user_registration_password
        }),
    ])
}
