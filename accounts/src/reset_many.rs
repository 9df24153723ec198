//! `reset --from`: the accounts of a file, at a steady rate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use shared::clock::Timestamp;
use shared::context::RequestContext;
use shared::users::Account;
use uuid::Uuid;

use crate::access::Session;
use crate::console::Record;
use crate::resetter::Resetter;
use crate::{Console, Error};

/// Resets a minute, if nothing is said and the limits allow as many.
const DEFAULT_RATE: u32 = 30;

/// Options of resets of many accounts.
#[derive(Debug, Args)]
pub(crate) struct Many {
    /// Reset the accounts of a file with a user name a line
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Resets a minute, 30 by default, at most `SOURCE_PER_MINUTE`
    #[arg(long, value_name = "NUMBER", requires = "from",
        value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: Option<u32>,
    /// Begin at this line of the file
    #[arg(long, value_name = "NUMBER", requires = "from", default_value_t = 1)]
    from_line: usize,
    /// Say which accounts would be reset, and reset none
    #[arg(long, requires = "from")]
    pub(crate) dry_run: bool,
}

/// A line of the file.
struct Line {
    number: usize,
    username: String,
}

/// How many accounts were reset, and how many were not.
#[derive(Default)]
struct Tally {
    reset: u64,
    refused: u64,
}

pub(crate) async fn reset(
    session: &Session<'_>,
    arguments: &Many,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let path = arguments.from.as_deref().unwrap_or(Path::new(""));
    let lines = read(path, arguments.from_line)?;
    let tally = if arguments.dry_run {
        plan(session, &lines, console).await?
    } else {
        let resetter = Resetter::new(session)?;
        let per_minute = rate(arguments.per_minute, resetter.per_minute)?;
        let pause = Duration::from_mins(1) / per_minute;
        all(session, &resetter, Paced { lines, pause }, console).await?
    };
    let Tally { reset, refused } = tally;
    let (word, name) = if arguments.dry_run {
        ("can be reset", "resettable")
    } else {
        ("reset", "reset")
    };
    let text = format!("{reset} {word}, {refused} refused");
    console.summary(&text, [(name, reset.into()), ("refused", refused.into())])?;
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(path: &Path, first: usize) -> Result<Vec<Line>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        name: path.display().to_string(),
        source,
    })?;
    let lines = (1..)
        .zip(text.lines())
        .skip_while(|(number, _)| *number < first);
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let lines = lines.map(|(number, line)| Line {
        number,
        username: line.trim().to_owned(),
    });
    Ok(lines.collect())
}

/// Resets a minute: as asked for, if the function's limit allows it.
fn rate(asked: Option<u32>, limit: u32) -> Result<u32, Error> {
    let most = if limit == 0 { u32::MAX } else { limit };
    match asked {
        Some(rate) if rate > most => Err(Error::Usage(format!(
            "--per-minute {rate} is more than SOURCE_PER_MINUTE, which is {most}"
        ))),
        Some(rate) => Ok(rate),
        None => Ok(DEFAULT_RATE.min(most)),
    }
}

/// Says what would become of each account.
async fn plan(
    session: &Session<'_>,
    lines: &[Line],
    console: &mut Console,
) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    for line in lines {
        let reason = match session.find(&line.username).await {
            Ok(account) => obstacle(&account).map(str::to_owned),
            Err(Error::NotFound(text)) => Some(text),
            Err(error) => return Err(error),
        };
        tally.count(line, reason, console)?;
    }
    Ok(tally)
}

/// Why an account cannot be reset.
fn obstacle(account: &Account) -> Option<&'static str> {
    if account.disabled {
        Some("it is disabled")
    } else if account.profile.email.is_none() {
        Some("there is no address on file")
    } else {
        None
    }
}

/// Lines with the time from one to the next.
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
        let reason = match resetter.reset(&line.username, &ctx).await {
            Ok(_) => None,
            Err(Error::Refused(text) | Error::TryAgain(text) | Error::NotFound(text)) => Some(text),
            Err(error) => {
                let number = line.number;
                let text = format!("stopped at line {number}; continue with --from-line {number}");
                progress.suspend(|| console.note(&text))?;
                return Err(error);
            }
        };
        progress.inc(1);
        progress.suspend(|| tally.count(line, reason, console))?;
    }
    progress.finish_and_clear();
    Ok(tally)
}

/// A request of its own for each account, at its own time: limits and mails are by both.
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
    /// Counts an account. Scripts see all of them, people those that are not reset.
    fn count(
        &mut self,
        line: &Line,
        reason: Option<String>,
        console: &mut Console,
    ) -> Result<(), Error> {
        let Line { number, username } = line;
        match &reason {
            Some(_) => self.refused += 1,
            None => self.reset += 1,
        }
        if console.is_json() {
            return Ok(console.json(&Record::new([
                ("line", (*number).into()),
                ("username", username.as_str().into()),
                ("refused", reason.into()),
            ]))?);
        }
        match reason {
            Some(reason) => Ok(console.line(&format!("line {number}: {reason}"))?),
            None => Ok(()),
        }
    }
}
