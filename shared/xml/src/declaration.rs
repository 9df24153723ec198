//! Processing instructions and the XML declaration.

use crate::attributes::RawAttributes;
use crate::chars::{check_legal, is_space};
use crate::error::ErrorKind;
use crate::names::check_name;

/// Checks the text between `<?` and `?>` (XML 1.0 productions 16 and 17).
pub(crate) fn check_instruction(content: &str) -> Result<(), ErrorKind> {
    let target = content.split(is_space).next().unwrap_or_default();
    if target.eq_ignore_ascii_case("xml") {
        return Err(ErrorKind::Declaration);
    }
    check_name(target)?;
    check_legal(content)?;
    Ok(())
}

/// Checks the text between `<?xml` and `?>` (XML 1.0 productions 23 to 26, 32 and 80; only
/// version 1.0).
pub(crate) fn check_declaration(content: &str) -> Result<(), ErrorKind> {
    let mut attributes = RawAttributes::new(content).map(Result::ok).peekable();
    let is_of_version_1_0 = attributes.next() == Some(Some(("version", "1.0")));
    attributes
        .next_if(|attribute| matches!(attribute, Some(("encoding", name)) if is_encoding(name)));
    attributes.next_if(|attribute| matches!(attribute, Some(("standalone", "yes" | "no"))));
    if is_of_version_1_0 && attributes.next().is_none() {
        Ok(())
    } else {
        Err(ErrorKind::Declaration)
    }
}

/// Whether a declaration may name this encoding. It need not be a valid name (production 81): the
/// bytes are already decoded by now, and .NET does not check a name that it does not use.
fn is_encoding(name: &str) -> bool {
    check_legal(name).is_ok() && !name.contains('<')
}
