//! Decoding of `multipart/form-data` (RFC 7578), with delimiters as strict as in RFC 2046 section
//! 5.1.1.
//!
//! Written by hand, because we found no crate that refuses every truncated or ambiguous body, which
//! could set a password that nobody typed. multer 3.1 assigns the value of the next part to a part
//! whose header ends in bare line feeds, and finds a `name` inside another parameter's quotation
//! marks. multipart-rs 0.2 accepts a truncated body as complete, and a longer boundary as its own.

use shared::http::{MAX_PARAMETERS, Parameters};

use super::body::Unreadable;
use super::charset::Charset;
use super::header::{parameter, value};

/// The maximum length of a boundary (RFC 2046 section 5.1.1), in bytes.
const MAX_BOUNDARY: usize = 70;

type Part = (Option<String>, String);

/// Reads the parts that are not files. The body must contain the closing delimiter; the text after
/// it is ignored.
pub(super) fn read(boundary: &str, body: &[u8]) -> Result<Parameters, Unreadable> {
    if boundary.len() > MAX_BOUNDARY {
        return Err(Unreadable);
    }
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // As in the original, the first delimiter may be anywhere in its line.
    let first = delimiter.get(2..).ok_or(Unreadable)?;
    let (_preamble, mut rest) = split_at(body, first).ok_or(Unreadable)?;
    let mut parts = Vec::new();
    // One part more than the limit is read, so that the caller can detect the excess.
    while parts.len() <= MAX_PARAMETERS {
        let Some(part) = after_delimiter_line(rest)? else {
            break;
        };
        let (part, after) = split_at(part, &delimiter).ok_or(Unreadable)?;
        parts.extend(read_part(part)?);
        rest = after;
    }
    Ok(parts.into_iter().collect())
}

/// Skips the rest of a delimiter's line. Returns the text after it, or `None` after the closing
/// delimiter.
fn after_delimiter_line(rest: &[u8]) -> Result<Option<&[u8]>, Unreadable> {
    let (is_closing, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let line_end = rest.get(padding.count()..).unwrap_or_default();
    match line_end.strip_prefix(b"\r\n") {
        Some(part) if !is_closing => Ok(Some(part)),
        Some(_) => Ok(None),
        None if is_closing && line_end.is_empty() => Ok(None),
        None => Err(Unreadable),
    }
}

/// Reads a part: its header, an empty line and its value. `None` for a file.
fn read_part(part: &[u8]) -> Result<Option<Part>, Unreadable> {
    let (header, content) = split_at(part, b"\r\n\r\n").ok_or(Unreadable)?;
    let header = Header(std::str::from_utf8(header)?);
    let disposition = header.field("content-disposition").ok_or(Unreadable)?;
    if parameter(disposition, "filename").is_some() {
        return Ok(None);
    }
    let name = parameter(disposition, "name").ok_or(Unreadable)?;
    let encoding = header.field("content-transfer-encoding").map(value);
    let is_encoded = encoding.is_some_and(|encoding| {
        let plain = ["7bit", "8bit", "binary"];
        !plain
            .iter()
            .any(|plain| plain.eq_ignore_ascii_case(encoding))
    });
    if header.0.replace("\r\n", "").contains(['\r', '\n']) || is_encoded {
        return Err(Unreadable);
    }
    let content_type = header.field("content-type").unwrap_or_default();
    let charset = Charset::for_label(parameter(content_type, "charset"))?;
    Ok(Some((
        Some(name.to_owned()),
        charset.decode(content)?.into_owned(),
    )))
}

/// The header of a part.
struct Header<'a>(&'a str);

impl<'a> Header<'a> {
    /// The first field with this name, ignoring case.
    fn field(&self, name: &str) -> Option<&'a str> {
        self.0.split("\r\n").find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Splits at the first `separator`.
fn split_at<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((bytes.get(..at)?, bytes.get(at + separator.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "--b\r\nContent-Disposition: form-data; name=\"Email\"\r\n\r\na@b\r\n";

    fn password(lines: &str) -> Result<Option<String>, Unreadable> {
        read("b", format!("{EMAIL}{lines}").as_bytes()).map(|form| form.value("NewPassword"))
    }

    #[test]
    fn parts() {
        for (lines, expected) in [
            ("--b--", None),
            ("--b-- \t\r\nepilogue\r\n--b\r\n", None),
            (
                "--b\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\nx\r\ny\r\n--b--",
                Some("x\r\ny"),
            ),
            (
                "--b \r\ncontent-disposition:form-data;name=\"newpassword\"\r\n\r\n\r\n--b--\r\n",
                Some(""),
            ),
            (
                "--b\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\n\n--b\r\n--b--",
                Some("\n--b"),
            ),
            (
                "--b\r\nContent-Disposition: form-data; name=NewPassword; filename=f\r\n\r\nx\r\n--b--",
                None,
            ),
            (
                "--b\r\nContent-Disposition: form-data; x=\"; name=NewPassword\"; name=y\r\n\r\nx\r\n--b--",
                None,
            ),
            (
                "--b\r\nContent-Disposition: form-data; name=NewPassword\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\né\r\n--b--",
                Some("Ã©"),
            ),
            (
                "--b\r\nContent-Disposition: form-data; name=NewPassword\r\nContent-Transfer-Encoding: 8BIT\r\n\r\né\r\n--b--",
                Some("é"),
            ),
        ] {
            assert_eq!(password(lines), Ok(expected.map(str::to_owned)), "{lines}");
        }
    }

    #[test]
    fn truncated_bodies_are_unreadable() {
        let whole = "--b\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\nx\r\n--b--";
        for end in 0..whole.len() {
            assert_eq!(password(&whole[..end]), Err(Unreadable), "{end}");
        }
    }

    #[test]
    fn a_boundary_has_at_most_70_characters() {
        for (length, expected) in [(70, true), (71, false)] {
            let boundary = "b".repeat(length);
            let body = format!("--{boundary}--");
            assert_eq!(read(&boundary, body.as_bytes()).is_ok(), expected);
        }
    }

    #[test]
    fn ambiguous_bodies_are_unreadable() {
        for lines in [
            "--b\r\nContent-Disposition: form-data; name=NewPassword\n\nx\r\n--b\r\nContent-Disposition: form-data; name=y\r\n\r\nz\r\n--b--",
            "--b\r\nX: y\nContent-Disposition: form-data; name=y\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\nx\r\n--b--",
            "--b\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\nx\r\n--b--x",
            "--b\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\nx\r\n--bc\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=NewPassword\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=NewPassword\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--",
        ] {
            assert_eq!(password(lines), Err(Unreadable), "{lines}");
        }
        let latin1 =
            b"--b\r\nContent-Disposition: form-data; name=NewPassword\r\n\r\n\xe9\r\n--b--";
        assert!(read("b", latin1).is_err());
    }
}
