//! Reads the rows of a file, one at a time.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use csv_core::{ReadRecordResult, Reader};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::row::{COLUMNS, Row};
use crate::Error;

/// The byte order mark with which some editors start UTF-8 files.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The byte order marks of UTF-16, which Excel and PowerShell call Unicode.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values in UTF-8 with a header line
    Csv,
    /// JSON Lines: one object per line
    Jsonl,
}

impl Format {
    /// Detects the format from the extension of the file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_ascii_lowercase();
        match extension.to_str()? {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// The line number, from 1, and the row or the reason why it is unreadable.
pub(crate) type Read = (u64, Result<Row, String>);

/// Columns that a file must have.
pub(crate) type Required = &'static [&'static str];

/// Reads the rows of a file.
pub(crate) fn rows(
    path: &Path,
    format: Format,
    required: Required,
) -> Result<impl Iterator<Item = Result<Read, Error>>, Error> {
    let mut lines = Lines::open(path)?;
    let mut table = match format {
        Format::Csv => Some(Table::with_heading(&mut lines, required)?),
        Format::Jsonl => None,
    };
    Ok(lines.map(move |line| {
        let (number, line) = line?;
        let row = str::from_utf8(&line)
            .map_err(|_| "not valid UTF-8".to_owned())
            .and_then(|line| match &mut table {
                Some(table) => table.row(line),
                None => json_row(line, required),
            });
        Ok((number, row))
    }))
}

/// The numbered lines of a file, without blank ones. Every line ends with a line feed, even the
/// last one.
struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let (is_file, file) = file.map_err(|source| failed(path, source))?;
        if !is_file {
            let text = "the file must be a regular file, not a folder or a pipe, because it is read \
                        several times";
            return Err(Error::Usage(text.to_owned()));
        }
        let mut lines = Self {
            path: path.to_owned(),
            file: BufReader::new(file),
            number: 0,
        };
        lines.skip_mark()?;
        Ok(lines)
    }

    fn skip_mark(&mut self) -> Result<(), Error> {
        let beginning = self.file.fill_buf();
        let beginning = beginning.map_err(|source| failed(&self.path, source))?;
        if UTF_16.iter().any(|mark| beginning.starts_with(mark)) {
            let text = "the file is in UTF-16; save it as UTF-8".to_owned();
            return Err(Error::Usage(text));
        }
        if beginning.starts_with(BYTE_ORDER_MARK) {
            self.file.consume(BYTE_ORDER_MARK.len());
        }
        Ok(())
    }
}

impl Iterator for Lines {
    type Item = Result<(u64, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        while line.trim_ascii().is_empty() {
            line.clear();
            match self.file.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => self.number += 1,
                Err(source) => return Some(Err(failed(&self.path, source))),
            }
        }
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        Some(Ok((self.number, line)))
    }
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::File {
        name: path.display().to_string(),
        source,
    }
}

/// Comma-separated values below a header line.
struct Table {
    heading: Vec<String>,
    parser: Reader,
}

impl Table {
    fn with_heading(lines: &mut Lines, required: Required) -> Result<Self, Error> {
        let mut parser = Reader::new();
        let heading = match lines.next() {
            None => return Err(Error::Usage("the file is empty".to_owned())),
            Some(line) => {
                let line = String::from_utf8(line?.1);
                let line = line
                    .map_err(|_| Error::Usage("the header line is not valid UTF-8".to_owned()))?;
                let heading = fields(&mut parser, &line);
                heading.map_err(|reason| Error::Usage(format!("header line: {reason}")))?
            }
        };
        check_heading(&heading, required)?;
        Ok(Self { heading, parser })
    }

    fn row(&mut self, line: &str) -> Result<Row, String> {
        let fields = fields(&mut self.parser, line)?;
        if fields.len() != self.heading.len() {
            let (found, expected) = (fields.len(), self.heading.len());
            return Err(format!(
                "{found} columns, but the header line has {expected}"
            ));
        }
        let mut row = Row::default();
        for (name, text) in self.heading.iter().zip(fields) {
            if let Some(column) = row.column(name) {
                *column = text;
            }
        }
        Ok(row)
    }
}

/// Splits a line into fields (RFC 4180 section 2). Fields cannot contain line breaks, so an
/// unclosed quote affects only its own row.
fn fields(parser: &mut Reader, line: &str) -> Result<Vec<String>, String> {
    let (mut text, mut ends) = (vec![0; line.len()], vec![0; line.len()]);
    let (result, read, _, count) = parser.read_record(line.as_bytes(), &mut text, &mut ends);
    parser.reset();
    // The parser ends a record at a lone CR; the rest of the line must not be lost.
    if !line.get(read..).unwrap_or_default().trim_ascii().is_empty() {
        return Err("lines must end in LF or CRLF".to_owned());
    }
    let is_whole = line.matches('"').count().is_multiple_of(2);
    if !is_whole || result != ReadRecordResult::Record {
        return Err("unclosed quote".to_owned());
    }
    let mut begin = 0;
    let fields = ends.iter().take(count).map(|end| {
        let field = text.get(begin..*end).unwrap_or_default().to_vec();
        begin = *end;
        String::from_utf8(field).map_err(|_| "not valid UTF-8".to_owned())
    });
    fields.collect()
}

fn check_heading(heading: &[String], required: Required) -> Result<(), Error> {
    let columns = COLUMNS.join(", ");
    let mut known = HashSet::new();
    // Does not quote the column: without a header line, the first line holds an account.
    for (number, name) in (1..).zip(heading) {
        if !COLUMNS.contains(&name.as_str()) || !known.insert(name.as_str()) {
            let number: u64 = number;
            let text = format!(
                "column {number} of the header line is unknown or repeated; columns are separated by \
                 commas; known: {columns}"
            );
            return Err(Error::Usage(text));
        }
    }
    let missing = required.iter().find(|name| !known.contains(*name));
    missing.map_or(Ok(()), |name| {
        Err(Error::Usage(format!(
            "the header line has no column {name}; known: {columns}"
        )))
    })
}

fn json_row(line: &str, required: Required) -> Result<Row, String> {
    // The message of the parser may quote the line.
    let Members(members) = serde_json::from_str(line.trim_end())
        .map_err(|error| format!("not a JSON object (error at column {})", error.column()))?;
    let mut row = Row::default();
    let mut known = HashSet::new();
    for (name, value) in members {
        let column = row.column(&name);
        let column =
            column.ok_or_else(|| format!("unknown member; known: {}", COLUMNS.join(", ")))?;
        *column = match value {
            Value::Array(roles) if name == "roles" => list(roles),
            value => text(value),
        }
        .ok_or_else(|| format!("{name} has an unsupported type"))?;
        if let Some(name) = known.replace(name) {
            return Err(format!("{name} is repeated"));
        }
    }
    let missing = required.iter().find(|name| !known.contains(**name));
    missing.map_or(Ok(row), |name| Err(format!("{name} is missing")))
}

/// The members of an object. A map would silently drop repeated members.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Converts a list to its form in a CSV file.
fn list(values: Vec<Value>) -> Option<String> {
    let texts: Vec<_> = values.into_iter().map(text).collect::<Option<_>>()?;
    Some(texts.join(";"))
}

/// Converts a plain value to its form in a CSV file.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
