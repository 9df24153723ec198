//! The sample events for `sam local invoke`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../events/update-user-registration-password");
    testkit::events::run(&folder, |sandbox| {
        &sandbox.functions.update_user_registration_password
    })
}
