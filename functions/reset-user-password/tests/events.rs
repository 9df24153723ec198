//! The sample events for `sam local invoke`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/reset-user-password");
    testkit::events::run(&folder, |sandbox| &sandbox.functions.reset_user_password)
}
