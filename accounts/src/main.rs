//! Entry point of the operators' command line.

use std::process::ExitCode;

use accounts::Console;
use shared::clock::Clock;
use shared::config::Env;

#[tokio::main]
async fn main() -> ExitCode {
    let mut console = Console::of_process();
    let arguments = match accounts::parse(std::env::args_os(), &mut console) {
        Ok(arguments) => arguments,
        Err(exit_code) => return exit_code,
    };
    let variables = Env::of_process();
    accounts::run(arguments, variables, &Clock::system(), &mut console).await
}
