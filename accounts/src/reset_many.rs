//! `reset --from`: resets the accounts in a file at a steady rate.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use shared::clock::Timestamp;
use shared::context::RequestContext;
use shared::users::UsernameKey;
use uuid::Uuid;

use crate::access::Session;
use crate::console::{BAD, Record};
use crate::count;
use crate::resetter::{Resetter, obstacle, old_password};
use crate::{Console, Error};

/// Default number of resets per minute, if the limit allows it.
const DEFAULT_RATE: u32 = 30;

/// Options for resets of many accounts.
#[derive(Debug, Args)]
pub(crate) struct Many {
    /// Reset the accounts listed in this file, one user name per line
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Number of resets per minute, at most `SOURCE_PER_MINUTE`; by default 30, or
    /// `SOURCE_PER_MINUTE` if lower
    #[arg(long, value_name = "NUMBER", conflicts_with = "user", value_parser = rate_argument,
        allow_negative_numbers = true)]
    per_minute: Option<u32>,
    /// Start at this line of the file
    #[arg(
        long,
        value_name = "NUMBER",
        conflicts_with = "user",
        value_parser = count::parse,
        allow_negative_numbers = true,
        default_value_t = 1
    )]
    from_line: usize,
    /// Print which accounts cannot be reset and how many can, and reset none
    #[arg(long, conflicts_with = "user")]
    pub(crate) dry_run: bool,
}

/// A line of the file.
struct Line {
    number: usize,
    username: String,
}

/// The outcome for an account: a remark if there is one, or the reason why it was not reset.
type Outcome = Result<Option<String>, String>;

/// The number of accounts that were reset, of those that keep the old password, and of those
/// refused.
#[derive(Default)]
struct Tally {
    reset: u64,
    old_password_stays: u64,
    refused: u64,
}

pub(crate) async fn reset(
    session: &Session<'_>,
    arguments: &Many,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let path = arguments.from.as_deref().unwrap_or(Path::new(""));
    let lines = read(path, arguments.from_line, console)?;
    let tally = if arguments.dry_run {
        plan(session, &lines, console).await?
    } else {
        let resetter = Resetter::new(session)?;
        let per_minute = rate(arguments.per_minute, resetter.per_minute)?;
        let pause = Duration::from_mins(1) / per_minute;
        all(session, &resetter, Paced { lines, pause }, console).await?
    };
    tally.print(arguments.dry_run, console)?;
    let refused = tally.refused;
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn rate_argument(text: &str) -> Result<u32, String> {
    let rate = count::parse(text)?;
    u32::try_from(rate).map_err(|_| "must not exceed SOURCE_PER_MINUTE".to_owned())
}

/// Reads the lines from line `first` on, without repeated accounts.
fn read(path: &Path, first: usize, console: &mut Console) -> Result<Vec<Line>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        name: path.display().to_string(),
        source,
    })?;
    // Some editors start UTF-8 files with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = Vec::new();
    let mut seen = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let username = line.trim();
        if username.is_empty() {
            continue;
        }
        let earlier = *seen.entry(UsernameKey::new(username)).or_insert(number);
        if number < first {
            continue;
        }
        if earlier < number {
            console.note(&format!(
                "warning: line {number} skipped because it repeats line {earlier}"
            ))?;
            continue;
        }
        lines.push(Line {
            number,
            username: username.to_owned(),
        });
    }
    Ok(lines)
}

/// Returns the number of resets per minute. Refuses more than the limit of the function.
fn rate(asked: Option<u32>, limit: u32) -> Result<u32, Error> {
    let most = if limit == 0 { u32::MAX } else { limit };
    match asked {
        Some(rate) if rate > most => Err(Error::Usage(format!(
            "--per-minute {rate} exceeds SOURCE_PER_MINUTE, which is {most}"
        ))),
        Some(rate) => Ok(rate),
        None => Ok(DEFAULT_RATE.min(most)),
    }
}

/// Prints which accounts would be reset.
async fn plan(
    session: &Session<'_>,
    lines: &[Line],
    console: &mut Console,
) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    for line in lines {
        let outcome = match session.find(&line.username).await {
            Ok(account) => match obstacle(&account) {
                None => Ok(old_password(&account)),
                Some(obstacle) => Err(format!("{}: {obstacle}", account.profile.display_username)),
            },
            Err(Error::NotFound(text) | Error::Refused(text)) => Err(text),
            Err(error) => return Err(error),
        };
        tally.count(line, outcome, console)?;
    }
    Ok(tally)
}

/// Lines and the pause between two resets.
struct Paced {
    lines: Vec<Line>,
    pause: Duration,
}

async fn all(
    session: &Session<'_>,
    resetter: &Resetter<'_>,
    Paced { lines, pause }: Paced,
    console: &mut Console,
) -> Result<Tally, Error> {
    let progress = console.progress(u64::try_from(lines.len()).ok(), "resetting");
    let mut turns = tokio::time::interval(pause);
    let mut tally = Tally::default();
    for line in &lines {
        turns.tick().await;
        let request_id = Uuid::new_v4().to_string();
        let ctx = context(session, &request_id, session.clock.now())?;
        let outcome = match resetter.reset(&line.username, &ctx).await {
            Ok(done) => Ok(done.note),
            Err(Error::Refused(text) | Error::TryAgain(text) | Error::NotFound(text)) => Err(text),
            Err(error) => {
                let number = line.number;
                let text =
                    format!("stopped at line {number}; to continue, use --from-line {number}");
                progress.suspend(|| console.note(&text))?;
                return Err(error);
            }
        };
        progress.inc(1);
        progress.suspend(|| tally.count(line, outcome, console))?;
    }
    progress.finish_and_clear();
    Ok(tally)
}

/// Returns the context for one account. Each account has its own request id, by which its email can
/// be traced, and its own time, by which the rate limits count.
fn context<'a>(
    session: &'a Session<'_>,
    request_id: &'a str,
    now: Timestamp,
) -> Result<RequestContext<'a>, Error> {
    Ok(RequestContext {
        request_id,
        now,
        ..session.context()?
    })
}

impl Tally {
    /// Counts an account and prints its outcome: for scripts always, for people only if there is a
    /// remark or a reason.
    fn count(&mut self, line: &Line, outcome: Outcome, console: &mut Console) -> Result<(), Error> {
        let Line { number, username } = line;
        match &outcome {
            Ok(note) => {
                self.reset += 1;
                self.old_password_stays += u64::from(note.is_some());
            }
            Err(_) => self.refused += 1,
        }
        if console.is_json() {
            let note = outcome.as_ref().ok().cloned().flatten();
            return Ok(console.json(&Record::new([
                ("line", (*number).into()),
                ("username", username.as_str().into()),
                ("refused", outcome.err().into()),
                ("note", note.into()),
            ]))?);
        }
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(note)) => Ok(console.line(&format!("line {number}: {username}: {note}"))?),
            Err(reason) => Ok(console.line(&format!("{BAD}line {number}:{BAD:#} {reason}"))?),
        }
    }

    fn print(&self, is_dry_run: bool, console: &mut Console) -> std::io::Result<()> {
        let Self {
            reset,
            old_password_stays,
            refused,
        } = self;
        let (word, name) = if is_dry_run {
            ("can be reset", "resettable")
        } else {
            ("reset", "reset")
        };
        let stays = match old_password_stays {
            0 => String::new(),
            count => format!(
                " (for {count} of them, the old password stays valid until the new one is used)"
            ),
        };
        let text = format!("{reset} {word}{stays}, {refused} refused");
        console.summary(
            &text,
            [
                (name, (*reset).into()),
                ("old_password_stays", (*old_password_stays).into()),
                ("refused", (*refused).into()),
            ],
        )
    }
}
