//! The operators' command line: wiring only.

use std::process::ExitCode;

use accounts::{Arguments, Console};
use clap::Parser as _;
use shared::clock::Clock;
use shared::config::Variables;

#[tokio::main]
async fn main() -> ExitCode {
    let mut console = Console::of_process();
    let variables = Variables::of_process();
    accounts::run(
        Arguments::parse(),
        variables,
        &Clock::system(),
        &mut console,
    )
    .await
}
