//! Errors of the command line: what is wrong in one line, and how the command is used in another.

use clap::error::ErrorKind;

/// What is wrong with a command line.
pub(crate) struct Usage {
    /// What is wrong, and what may have been meant.
    pub(crate) text: String,
    /// How the command is used.
    pub(crate) hint: Option<String>,
}

impl Usage {
    /// Takes an error of the parser apart: paragraphs, of which some are lists.
    pub(crate) fn of(error: &clap::Error) -> Self {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
        ) {
            return Self {
                text: "a command is missing; see `accounts help`".to_owned(),
                hint: None,
            };
        }
        let rendered = error.to_string();
        let paragraphs = rendered.split("\n\n").map(in_one_line);
        let (mut text, mut hint) = (String::new(), None);
        for paragraph in paragraphs {
            if paragraph.starts_with("Usage: ") {
                hint = Some(paragraph);
            } else if let Some(problem) = paragraph.strip_prefix("error: ") {
                problem.clone_into(&mut text);
            } else if let Some(tip) = paragraph.strip_prefix("tip: ") {
                text = format!("{text}; {tip}");
            }
        }
        Self { text, hint }
    }
}

fn in_one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
