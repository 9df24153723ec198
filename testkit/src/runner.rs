//! Running tests that are data, each under its own name.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use local::Error;

/// Runs these tests as the command line asks, or says why there are none.
pub(crate) fn run(trials: Result<Vec<Trial>, Error>) -> ExitCode {
    let arguments = Arguments::from_args();
    match trials {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "this is a test runner")]
            {
                eprintln!("the tests cannot be run: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
