//! Input and output: colours and tables for people, JSON for scripts, password prompts.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use password::{ExposeSecret as _, Secret};
use serde::ser::{Serialize, Serializer};
use serde_json::{Value, json};
use shared::text::one_line;
use shared::users::Account;

use crate::error::Error;
use crate::failure::Problem;

/// The placeholder for an empty value.
const NOTHING: &str = "-";

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
/// The style of errors and refusals.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The input and output of a command.
pub struct Console {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    input: Box<dyn BufRead>,
    can_ask: bool,
    shows_progress: bool,
    json: bool,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Console")
    }
}

impl Console {
    /// Returns the console of this process, with colours on a terminal unless `NO_COLOR` is set.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            out: Box::new(anstream::stdout()),
            err: Box::new(anstream::stderr()),
            input: Box::new(io::stdin().lock()),
            can_ask: io::stdin().is_terminal(),
            shows_progress: true,
            json: false,
        }
    }

    /// Makes the console interactive: its input answers prompts.
    #[must_use]
    pub fn asking(self) -> Self {
        Self {
            can_ask: true,
            ..self
        }
    }

    /// Returns a console that is not interactive.
    #[must_use]
    pub fn new(
        out: impl Write + 'static,
        err: impl Write + 'static,
        input: impl BufRead + 'static,
    ) -> Self {
        Self {
            out: Box::new(out),
            err: Box::new(err),
            input: Box::new(input),
            can_ask: false,
            shows_progress: false,
            json: false,
        }
    }

    pub(crate) fn set_json(&mut self, json: bool) {
        self.json = json;
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an error as one line.
    pub(crate) fn error(&mut self, Problem { text, status }: &Problem) {
        let text = one_line(text);
        // If standard error cannot be written to, there is nowhere else to report the failure.
        let _ = if self.json {
            let problem = json!({ "error": status.name(), "message": text });
            writeln!(self.err, "{problem}")
        } else {
            writeln!(self.err, "{BAD}error:{BAD:#} {text}")
        };
    }

    /// Prints a warning or a remark to standard error.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return writeln!(self.err, "{}", json!({ "note": text }));
        }
        writeln!(self.err, "{text}")
    }

    /// Prints bytes unchanged, for instance a completion script.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Prints a line of results for people.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Prints a JSON object as one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(value).map_err(io::Error::other)?;
        writeln!(self.out, "{line}")
    }

    /// Prints the change to an account or a brand.
    pub(crate) fn done(&mut self, done: &Done) -> io::Result<()> {
        if self.json {
            return self.json(&done.record());
        }
        let style = if done.event.is_some() { GOOD } else { DIM };
        let mut texts = vec![done.text.as_str()];
        texts.extend(done.note.as_deref());
        let text = one_line(&texts.join("; ")).into_owned();
        writeln!(self.out, "{style}{text}{style:#}")
    }

    /// Prints counts: `text` for people, the members for scripts.
    pub(crate) fn summary(
        &mut self,
        text: &str,
        counts: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> io::Result<()> {
        if self.json {
            self.json(&Record::new(counts))
        } else {
            self.line(text)
        }
    }

    /// Prints one record, an attribute per line.
    pub(crate) fn record(&mut self, record: &Record) -> io::Result<()> {
        if self.json {
            return self.json(record);
        }
        let fields = record.0.iter().map(|(name, value)| (name, plain(value)));
        let fields: Vec<_> = fields.filter(|(_, text)| text != NOTHING).collect();
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, text) in fields {
            writeln!(self.out, "{DIM}{name:width$}{DIM:#}  {text}")?;
        }
        Ok(())
    }

    /// Prints records in columns, one per line.
    pub(crate) fn rows(&mut self, records: &[Record]) -> io::Result<()> {
        if self.json {
            return records.iter().try_for_each(|record| self.json(record));
        }
        let columns = columns(records);
        if columns.is_empty() {
            return writeln!(self.out, "{DIM}none{DIM:#}");
        }
        let headings = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let heading = aligned(&columns, headings);
        writeln!(self.out, "{BOLD}{heading}{BOLD:#}")?;
        for record in records {
            writeln!(self.out, "{}", aligned(&columns, record.cells(&columns)))?;
        }
        Ok(())
    }

    /// Reads the password from the first line of standard input.
    fn password_from_input(&mut self) -> Result<Secret, Error> {
        let mut line = String::new();
        let length = self.input.read_line(&mut line).map_err(Error::Input)?;
        if length == 0 {
            return Err(no_password());
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(Secret::from(line))
    }

    /// Asks for the password twice, without echo.
    fn password_from_terminal(&self) -> Result<Secret, Error> {
        if !self.can_ask {
            let text = "cannot ask for the password without a terminal; use --password-stdin";
            return Err(Error::Usage(text.to_owned()));
        }
        let first = typed(rpassword::prompt_password("Password: "))?;
        let again = typed(rpassword::prompt_password("Repeat password: "))?;
        if first.expose_secret() == again.expose_secret() {
            Ok(first)
        } else {
            Err(Error::Refused("the passwords do not match".to_owned()))
        }
    }

    /// Refuses a command that needs confirmation if there is no terminal.
    pub(crate) fn check_can_ask(&self) -> Result<(), Error> {
        if self.can_ask {
            return Ok(());
        }
        let text = "cannot ask for confirmation without a terminal; use --yes";
        Err(Error::Usage(text.to_owned()))
    }

    /// Asks for confirmation. Only the answer `yes` confirms.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<bool, Error> {
        self.check_can_ask()?;
        write!(self.err, "{question} Type 'yes' to confirm: ")?;
        self.err.flush()?;
        let mut answer = String::new();
        self.input.read_line(&mut answer).map_err(Error::Input)?;
        Ok(answer.trim() == "yes")
    }

    /// Reads the password from standard input, or asks for it.
    pub(crate) fn password(&mut self, is_on_input: bool) -> Result<Secret, Error> {
        if is_on_input {
            self.password_from_input()
        } else {
            self.password_from_terminal()
        }
    }

    /// Returns a progress bar that counts rows and is visible on terminals only. It estimates the
    /// remaining time if the total is known.
    pub(crate) fn progress(&self, rows: Option<u64>, what: &'static str) -> ProgressBar {
        let target = if self.shows_progress && !self.json {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let template = match rows {
            Some(_) => "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left",
            None => "{msg} {human_pos} ({rate})",
        };
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{:.0} rows/s", state.per_sec());
        };
        ProgressBar::with_draw_target(rows, target)
            .with_style(style.with_key("rate", rate))
            .with_message(what)
    }
}

/// Converts the answer to a password prompt. Ctrl-D ends the input without a password.
fn typed(answer: io::Result<String>) -> Result<Secret, Error> {
    match answer {
        Ok(password) => Ok(Secret::from(password)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(no_password()),
        Err(error) => Err(Error::Input(error)),
    }
}

fn no_password() -> Error {
    Error::Refused("no password given; nothing was changed".to_owned())
}

/// Attributes in display order.
pub(crate) struct Record(Vec<(&'static str, Value)>);

impl Record {
    pub(crate) fn new(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Record {
    /// Returns the values of these columns, for people.
    fn cells(&self, columns: &[(&str, usize)]) -> Vec<String> {
        let value = |column: &str| self.0.iter().find(|(name, _)| *name == column);
        let cell = |column: &str| value(column).map_or(NOTHING.to_owned(), |(_, v)| plain(v));
        columns.iter().map(|(name, _)| cell(name)).collect()
    }
}

/// Returns the names of all attributes of these records and the widths of their columns. An
/// attribute that only some records have follows the attribute before it.
fn columns(records: &[Record]) -> Vec<(&'static str, usize)> {
    let mut columns: Vec<(&'static str, usize)> = Vec::new();
    for record in records {
        let mut next = 0;
        for (name, value) in &record.0 {
            let width = plain(value).chars().count().max(name.len());
            if let Some(at) = columns.iter().position(|(column, _)| column == name) {
                next = at + 1;
                if let Some((_, widest)) = columns.get_mut(at) {
                    *widest = width.max(*widest);
                }
            } else {
                columns.insert(next, (name, width));
                next += 1;
            }
        }
    }
    columns
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Formats a value for people.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => one_line(text).into_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(values) if values.is_empty() => NOTHING.to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

fn aligned(columns: &[(&str, usize)], cells: Vec<String>) -> String {
    let mut line = String::new();
    for ((_, width), cell) in columns.iter().zip(cells) {
        let _ = write!(line, "{cell:width$}  ");
    }
    line.trim_end().to_owned()
}

/// The result of a change to an account or a brand.
pub(crate) struct Done {
    /// The name and the value of the key.
    pub(crate) key: (&'static str, String),
    /// The audit event; `None` if nothing changed.
    pub(crate) event: Option<&'static str>,
    /// The message for people.
    pub(crate) text: String,
    /// A remark for people and scripts, for instance an email that could not be sent.
    pub(crate) note: Option<String>,
}

impl Done {
    /// Returns the change to an account with its audit event. `text` follows the user name.
    pub(crate) fn changed(account: &Account, event: &'static str, text: &str) -> Self {
        Self {
            text: format!("{}: {text}", account.profile.display_username),
            key: ("username", account.profile.username.as_str().to_owned()),
            event: Some(event),
            note: None,
        }
    }

    /// Returns the result for an account that needed no change.
    pub(crate) fn unchanged(account: &Account, text: &str) -> Self {
        Self {
            event: None,
            ..Self::changed(account, "", text)
        }
    }

    fn record(&self) -> Record {
        let (name, value) = &self.key;
        let fields = [
            (*name, value.as_str().into()),
            ("changed", self.event.is_some().into()),
            ("event", self.event.into()),
        ];
        let note = self.note.as_deref().map(|note| ("note", note.into()));
        Record::new(fields.into_iter().chain(note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_d_at_a_password_prompt_is_refused() {
        let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let error = typed(Err(end())).unwrap_err().to_string();
        assert_eq!(error, "no password given; nothing was changed");
        assert!(typed(Ok("lamp".to_owned())).is_ok());
        let broken = io::Error::from(io::ErrorKind::InvalidData);
        assert!(matches!(typed(Err(broken)), Err(Error::Input(_))));
    }
}
