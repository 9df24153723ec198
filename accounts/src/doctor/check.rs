//! Checks and their results.

use serde_json::Value;

use super::error::{CheckError, CheckResult};
use crate::console::Record;

/// The advice if a resource of the stack is missing or differs from the template. CloudFormation
/// compares templates, not resources, so it does not correct what was changed outside it.
pub(super) const REDEPLOY: &str =
    "deploy the current template, and undo what was changed outside CloudFormation";

/// The finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing is wrong with the subject.
    Ok(String),
    /// The subject works but should be changed.
    Warning {
        /// The state that was found.
        found: String,
        /// What to do about it.
        advice: String,
    },
    /// The subject does not work or is not safe.
    Failed {
        /// The state that was found.
        found: String,
        /// What to do about it.
        advice: String,
    },
}

impl Finding {
    /// Returns a finding that nothing is wrong with the subject.
    pub(super) fn ok(found: impl Into<String>) -> Self {
        Self::Ok(found.into())
    }

    /// Returns a finding that the subject should be changed.
    pub(super) fn warning(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Warning {
            found: found.into(),
            advice: advice.into(),
        }
    }

    /// Returns a finding that the subject does not work or is not safe.
    pub(super) fn failed(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Failed {
            found: found.into(),
            advice: advice.into(),
        }
    }
}

/// A check: a part of the deployment, and the finding or the reason why it was not checked.
#[derive(Debug)]
pub(super) struct Check {
    subject: String,
    answer: CheckResult<Finding>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing is wrong with the subject.
    Ok,
    /// The subject works but should be changed.
    Warning,
    /// The subject does not work or is not safe.
    Failed,
    /// The check could not be made.
    NotChecked,
}

impl Outcome {
    /// All results, in the order of the summary.
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failed, Self::NotChecked];

    /// Returns the name in JSON output.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotChecked => "not_checked",
        }
    }

    /// Returns the label for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            _ => self.name(),
        }
    }
}

impl Check {
    /// Returns the check of a subject.
    pub(super) fn new(subject: impl Into<String>, answer: CheckResult<Finding>) -> Self {
        Self {
            subject: subject.into(),
            answer,
        }
    }

    /// Returns the result.
    pub(super) fn outcome(&self) -> Outcome {
        match &self.answer {
            Ok(Finding::Ok(_)) => Outcome::Ok,
            Ok(Finding::Warning { .. }) => Outcome::Warning,
            Ok(Finding::Failed { .. }) => Outcome::Failed,
            Err(_) => Outcome::NotChecked,
        }
    }

    /// Returns what was found, or why the check could not be made.
    fn found(&self) -> String {
        match &self.answer {
            Ok(
                Finding::Ok(found) | Finding::Warning { found, .. } | Finding::Failed { found, .. },
            ) => found.clone(),
            Err(error) => error.to_string(),
        }
    }

    /// Returns why the check was skipped, if it was.
    pub(super) fn skipped(&self) -> Option<&str> {
        match &self.answer {
            Err(CheckError::Skipped(reason)) => Some(reason),
            _ => None,
        }
    }

    fn advice(&self) -> Option<&str> {
        match &self.answer {
            Ok(Finding::Warning { advice, .. } | Finding::Failed { advice, .. }) => Some(advice),
            Ok(Finding::Ok(_)) | Err(_) => None,
        }
    }

    /// Returns the line for people, without the result.
    pub(super) fn line(&self) -> String {
        let found = format!("{}: {}", self.subject, self.found());
        match self.advice() {
            Some(advice) => format!("{found}; {advice}"),
            None => found,
        }
    }

    /// Returns the object for JSON output.
    pub(super) fn record(&self) -> Record {
        let permission = match &self.answer {
            Err(CheckError::Permission(permission)) => Some(permission.as_str()),
            _ => None,
        };
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        Record::new([
            ("check", self.subject.as_str().into()),
            ("result", self.outcome().name().into()),
            ("found", self.found().into()),
            ("advice", text(self.advice())),
            ("permission", text(permission)),
        ])
    }
}
