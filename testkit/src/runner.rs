//! The runner of tests that are data.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use local::Error;

/// Runs tests according to the command line. Prints an error if they cannot be run.
#[must_use]
pub fn run(trials: impl IntoIterator<Item = Result<Vec<Trial>, Error>>) -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Result<Vec<_>, _> = trials.into_iter().collect();
    match trials {
        Ok(trials) => {
            libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
        }
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "this is a test runner")]
            {
                eprintln!("the tests cannot be run: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
