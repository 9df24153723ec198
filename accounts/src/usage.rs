//! Usage errors: one line for the problem, and one for the usage of the command.

use clap::error::ErrorKind;

/// A usage error.
pub(crate) struct Usage {
    /// The problem, and a suggestion if there is one.
    pub(crate) text: String,
    /// The usage of the command.
    pub(crate) hint: Option<String>,
}

impl Usage {
    /// Converts an error of clap, whose paragraphs are the problem, tips and the usage.
    pub(crate) fn of(error: &clap::Error) -> Self {
        if matches!(
            error.kind(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
        ) {
            return Self {
                text: "no command given; see `accounts help`".to_owned(),
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
