//! The rows of a file, one after another: no more than one is held at a time.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use clap::ValueEnum;
use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};
use shared::users::{NewAccount, brand_key, email_key};

use super::row::{COLUMNS, Row};
use crate::Error;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values in UTF-8 with a heading
    Csv,
    /// A JSON object a line
    Jsonl,
}

impl Format {
    /// By the extension of the file's name.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_ascii_lowercase();
        match extension.to_str()? {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// A row that cannot be an account.
pub(crate) struct Refusal {
    /// The line it begins in, from 1.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) reasons: Vec<String>,
}

/// The line and the account of a row.
pub(crate) type Checked = Result<(u64, NewAccount), Refusal>;

/// A row as it was read, or the reason why it could not be.
type Read = (u64, Result<Row, String>);

/// The accounts of a file. Of several rows for one user name, or for one address and brand, the
/// first counts.
pub(crate) fn accounts(
    path: &Path,
    format: Format,
) -> Result<impl Iterator<Item = std::io::Result<Checked>>, Error> {
    let named = |source| Error::File {
        name: path.display().to_string(),
        source,
    };
    let file = File::open(path).map_err(named)?;
    let rows: Box<dyn Iterator<Item = std::io::Result<Read>>> = match format {
        Format::Csv => Box::new(csv_rows(file)?),
        Format::Jsonl => Box::new(json_rows(file)),
    };
    let mut seen = Seen::default();
    Ok(rows.map(move |row| {
        let (line, row) = row?;
        let account = row.map_err(|reason| vec![reason]).and_then(Row::check);
        let account = account.and_then(|account| seen.first(account));
        Ok(match account {
            Ok(account) => Ok((line, account)),
            Err(reasons) => Err(Refusal { line, reasons }),
        })
    }))
}

fn csv_rows(file: File) -> Result<impl Iterator<Item = std::io::Result<Read>>, Error> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
    let headings = reader.headers().map_err(std::io::Error::from)?.clone();
    check_headings(&headings)?;
    let mut record = StringRecord::new();
    Ok(std::iter::from_fn(move || {
        let more = reader.read_record(&mut record);
        let line = record.position().map_or(0, csv::Position::line);
        match more {
            Ok(false) => None,
            Ok(true) => Some(Ok((line, csv_row(&headings, &record)))),
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                let line = error.position().map_or(line, csv::Position::line);
                Some(Ok((line, Err("the text is not UTF-8".to_owned()))))
            }
            Err(error) => Some(Err(error.into())),
        }
    }))
}

fn check_headings(headings: &StringRecord) -> Result<(), Error> {
    let columns = COLUMNS.join(", ");
    let mut known = HashSet::new();
    for heading in headings {
        if !COLUMNS.contains(&heading) || !known.insert(heading) {
            let text = format!("the heading has {heading:?}; it may have {columns}, each once");
            return Err(Error::Usage(text));
        }
    }
    let missing = ["username", "id"]
        .into_iter()
        .find(|name| !known.contains(name));
    missing.map_or(Ok(()), |name| {
        Err(Error::Usage(format!(
            "the heading lacks {name}; it may have {columns}"
        )))
    })
}

fn csv_row(headings: &StringRecord, record: &StringRecord) -> Result<Row, String> {
    if record.len() != headings.len() {
        let (found, expected) = (record.len(), headings.len());
        return Err(format!("{found} columns where the heading has {expected}"));
    }
    let mut row = Row::default();
    for (heading, text) in headings.iter().zip(record) {
        if let Some(column) = row.column(heading) {
            text.clone_into(column);
        }
    }
    Ok(row)
}

fn json_rows(file: File) -> impl Iterator<Item = std::io::Result<Read>> {
    let lines = BufReader::new(file).split(b'\n').zip(1..);
    let is_blank = |line: &Vec<u8>| line.trim_ascii().is_empty();
    lines
        .filter(move |(line, _)| !line.as_ref().is_ok_and(is_blank))
        .map(|(line, number)| Ok((number, json_row(&line?))))
}

fn json_row(line: &[u8]) -> Result<Row, String> {
    // The parser's own words may quote the line.
    let object: Map<String, Value> = serde_json::from_slice(line)
        .map_err(|error| format!("no JSON object, see column {}", error.column()))?;
    let mut row = Row::default();
    for (name, value) in object {
        let column = row.column(&name);
        let column = column.ok_or_else(|| format!("no column of that name: {name:?}"))?;
        *column = text(value).ok_or_else(|| format!("{name} is not a plain value"))?;
    }
    Ok(row)
}

/// A plain value as the text it would be in a CSV file; roles may be a list.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(values) => {
            let texts: Vec<_> = values.into_iter().map(text).collect::<Option<_>>()?;
            Some(texts.join(";"))
        }
        Value::Object(_) => None,
    }
}

/// The names and addresses of the rows before, as digests: 64 bits under a random key. That two
/// of a million rows are mistaken for one happens to one file in ten million.
#[derive(Default)]
struct Seen {
    key: RandomState,
    digests: HashSet<u64>,
}

impl Seen {
    /// The account, if no row before it has its name or its address and brand.
    fn first(&mut self, account: NewAccount) -> Result<NewAccount, Vec<String>> {
        let name = self.key.hash_one(("username", account.username.as_str()));
        let mut reasons = Vec::new();
        if !self.digests.insert(name) {
            reasons.push("username is that of an earlier row".to_owned());
        }
        if let Some(email) = &account.email {
            let brand = brand_key(account.brand.as_deref());
            let address = self.key.hash_one(("email", email_key(email), brand));
            if !self.digests.insert(address) {
                reasons.push("email and brand are those of an earlier row".to_owned());
            }
        }
        if reasons.is_empty() {
            Ok(account)
        } else {
            Err(reasons)
        }
    }
}
