//! The rows of a file, one after another: no more than one is held at a time.

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

/// What some editors put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How UTF-16 begins, in either byte order: what Excel and PowerShell call Unicode.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

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

/// The number of a line, from 1, and the row in it or the reason why there is none.
pub(crate) type Read = (u64, Result<Row, String>);

/// Columns that a file must have.
pub(crate) type Required = &'static [&'static str];

/// The rows of a file.
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
            .map_err(|_| "the text is not UTF-8".to_owned())
            .and_then(|line| match &mut table {
                Some(table) => table.row(line),
                None => json_row(line, required),
            });
        Ok((number, row))
    }))
}

/// The lines of a file that are not blank, with their numbers. Each has its line feed, the last one
/// too.
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
            let text = "the file is read more than once: a pipe will not do".to_owned();
            return Err(Error::Usage(text));
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
            let text = "the file is in UTF-16; save it in UTF-8".to_owned();
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

/// Comma-separated values below their heading.
struct Table {
    heading: Vec<String>,
    parser: Reader,
}

impl Table {
    fn with_heading(lines: &mut Lines, required: Required) -> Result<Self, Error> {
        let mut parser = Reader::new();
        let heading = match lines.next() {
            None => vec![],
            Some(line) => {
                let line = String::from_utf8(line?.1);
                let line = line.map_err(|_| Error::Usage("the heading is not UTF-8".to_owned()))?;
                let heading = fields(&mut parser, &line);
                heading.map_err(|reason| Error::Usage(format!("the heading: {reason}")))?
            }
        };
        check_heading(&heading, required)?;
        Ok(Self { heading, parser })
    }

    fn row(&mut self, line: &str) -> Result<Row, String> {
        let fields = fields(&mut self.parser, line)?;
        if fields.len() != self.heading.len() {
            let (found, expected) = (fields.len(), self.heading.len());
            return Err(format!("{found} columns where the heading has {expected}"));
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

/// The fields of a line (RFC 4180 section 2). No column holds a line break, so that a quote which
/// is not closed costs one row, and not all that follow it.
fn fields(parser: &mut Reader, line: &str) -> Result<Vec<String>, String> {
    let (mut text, mut ends) = (vec![0; line.len()], vec![0; line.len()]);
    let (result, read, _, count) = parser.read_record(line.as_bytes(), &mut text, &mut ends);
    parser.reset();
    // The parser takes a lone CR for the end of a record: of what follows nothing may be lost.
    if !line.get(read..).unwrap_or_default().trim_ascii().is_empty() {
        return Err("a line ends neither in LF nor in CRLF".to_owned());
    }
    let is_whole = line.matches('"').count().is_multiple_of(2);
    if !is_whole || result != ReadRecordResult::Record {
        return Err("a quote is not closed in its line".to_owned());
    }
    let mut begin = 0;
    let fields = ends.iter().take(count).map(|end| {
        let field = text.get(begin..*end).unwrap_or_default().to_vec();
        begin = *end;
        String::from_utf8(field).map_err(|_| "the text is not UTF-8".to_owned())
    });
    fields.collect()
}

fn check_heading(heading: &[String], required: Required) -> Result<(), Error> {
    let columns = COLUMNS.join(", ");
    let mut known = HashSet::new();
    // Not what it says instead: a file without a heading begins with an account.
    for (number, name) in (1..).zip(heading) {
        if !COLUMNS.contains(&name.as_str()) || !known.insert(name.as_str()) {
            let number: u64 = number;
            let text =
                format!("column {number} of the heading is unknown or repeated; known: {columns}");
            return Err(Error::Usage(text));
        }
    }
    let missing = required.iter().find(|name| !known.contains(*name));
    missing.map_or(Ok(()), |name| {
        Err(Error::Usage(format!(
            "the heading lacks {name}; it may have {columns}"
        )))
    })
}

fn json_row(line: &str, required: Required) -> Result<Row, String> {
    // The parser's own words may quote the line.
    let Members(members) = serde_json::from_str(line.trim_end())
        .map_err(|error| format!("not a JSON object, at column {}", error.column()))?;
    let mut row = Row::default();
    let mut known = HashSet::new();
    for (name, value) in members {
        let column = row.column(&name);
        let column = column.ok_or_else(|| "a member is no column".to_owned())?;
        *column = match value {
            Value::Array(roles) if name == "roles" => list(roles),
            value => text(value),
        }
        .ok_or_else(|| format!("{name} is not a plain value"))?;
        if let Some(name) = known.replace(name) {
            return Err(format!("{name} is there twice"));
        }
    }
    let missing = required.iter().find(|name| !known.contains(**name));
    missing.map_or(Ok(row), |name| Err(format!("{name} is missing")))
}

/// The members of an object. A map would keep the last one of a name, whichever was meant.
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

/// A list as it would be in a CSV file.
fn list(values: Vec<Value>) -> Option<String> {
    let texts: Vec<_> = values.into_iter().map(text).collect::<Option<_>>()?;
    Some(texts.join(";"))
}

/// A plain value as the text it would be in a CSV file.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
