//! Tests of the commands against the DynamoDB and SES of `local`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod aws;
mod brands;
mod commands;
mod doctor;
mod failures;
mod import;
mod keys;
mod missing;
mod operators;
mod overwrite;
mod passwords;
mod program;
mod search;
mod set;
mod trail;
mod unreadable;

use std::io::{Cursor, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use accounts::{Arguments, Console};
use anstream::StripStream;
use clap::Parser as _;
use local::Item;
use serde_json::Value;
use shared::clock::{Clock, Timestamp};
use shared::config::Env;
use testkit::Sandbox;

const NOW: u64 = 1_795_300_455;
/// Disables rate limits.
const NO_LIMITS: [(&str, &str); 3] = [
    ("RESET_PER_MINUTE", "0"),
    ("RESET_PER_HOUR", "0"),
    ("SOURCE_PER_MINUTE", "0"),
];
const PASSWORD: &str = "lamp-Sodium-4417";

/// An operator with a sandbox.
struct Operator {
    sandbox: Sandbox,
    dynamodb_url: String,
}

/// The output and exit code of a command.
#[derive(Debug)]
struct Answer {
    exit_code: ExitCode,
    out: String,
    err: String,
}

impl Answer {
    /// Returns the JSON objects on standard output.
    fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the message of the only error.
    fn error(&self) -> &str {
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        self.err.trim_end().strip_prefix("error: ").unwrap()
    }
}

impl Operator {
    async fn start() -> Self {
        let sandbox = Sandbox::start(&[]).await.unwrap();
        let dynamodb_url = sandbox.backend.dynamodb_url.clone();
        Self {
            sandbox,
            dynamodb_url,
        }
    }

    async fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, "", &[]).await
    }

    /// Runs a command with this standard input and these environment variables.
    async fn run_with(&self, arguments: &[&str], input: &str, changes: &[(&str, &str)]) -> Answer {
        let ses_url = &self.sandbox.backend.ses_url;
        let endpoints = ["--endpoint", &self.dynamodb_url, "--ses-endpoint", ses_url];
        let arguments = [&endpoints, arguments].concat();
        self.run_at(&arguments, input, changes).await
    }

    /// Runs a command interactively, with this answer to the prompt.
    async fn run_asked(&self, arguments: &[&str], input: &str) -> Answer {
        let ses_url = &self.sandbox.backend.ses_url;
        let endpoints = ["--endpoint", &self.dynamodb_url, "--ses-endpoint", ses_url];
        let arguments = [&endpoints, arguments].concat();
        let console = |console: Console| console.asking();
        self.run_on(&arguments, input, &[], console).await
    }

    /// Runs a command without default options.
    async fn run_at(&self, arguments: &[&str], input: &str, changes: &[(&str, &str)]) -> Answer {
        self.run_on(arguments, input, changes, |console| console)
            .await
    }

    async fn run_on(
        &self,
        arguments: &[&str],
        input: &str,
        changes: &[(&str, &str)],
        kind: impl FnOnce(Console) -> Console,
    ) -> Answer {
        let arguments = ["accounts"].iter().chain(arguments);
        let arguments = Arguments::try_parse_from(arguments).unwrap();
        let lookup = |name: &str| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            let value = change.map(|(_, value)| (*value).to_owned());
            let operator = || (name == "USER").then(|| "operator".to_owned());
            value
                .or_else(operator)
                .or_else(|| self.sandbox.backend.tables.variable(name))
                .or_else(|| local::default_variable(name))
        };
        let (out, err) = (Output::default(), Output::default());
        let console = Console::new(
            StripStream::new(Box::new(out.clone()) as Box<dyn Write>),
            StripStream::new(Box::new(err.clone()) as Box<dyn Write>),
            Cursor::new(input.to_owned()),
        );
        let mut console = kind(console);
        let clock = Clock::new(|| Timestamp(NOW));
        let variables = Env::new(&lookup);
        let exit_code = accounts::run(arguments, variables, &clock, &mut console).await;
        Answer {
            exit_code,
            out: out.text(),
            err: err.text(),
        }
    }

    async fn user(&self, username: &str) -> Item {
        self.sandbox.user(username).await.unwrap()
    }

    async fn has(&self, username: &str) -> bool {
        self.sandbox.user(username).await.is_ok()
    }

    /// Returns the events and actors in the audit trail of an account.
    async fn audit(&self, username: &str) -> Vec<(String, String)> {
        let rows = self.sandbox.audit(username).await.unwrap();
        let rows = rows.iter();
        rows.map(|row| (text(row, "event").to_owned(), text(row, "actor").to_owned()))
            .collect()
    }
}

/// A shared buffer for the output of a console.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap()
}

fn number(item: &Item, name: &str) -> u64 {
    item[name].as_n().unwrap().parse().unwrap()
}

fn row(event: &str) -> (String, String) {
    (event.to_owned(), "unverified:operator".to_owned())
}
