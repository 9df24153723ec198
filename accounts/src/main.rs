//! The operators' command line: wiring only.

use std::process::ExitCode;

use accounts::{Arguments, Console};
use clap::Parser as _;
use shared::clock::Clock;
use shared::config::Env;

#[tokio::main]
async fn main() -> ExitCode {
    let mut console = Console::of_process();
    let variables = Env::of_process();
    accounts::run(
        Arguments::parse(),
        variables,
        &Clock::system(),
        &mut console,
    )
    .await
}
