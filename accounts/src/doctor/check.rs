//! What a check found, in one line.

use serde_json::Value;

use super::gap::{Answer, Gap};
use crate::console::Record;

/// What was found out about a part of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It is as it should be.
    Ok(String),
    /// It works, and something about it should change.
    Warning {
        /// What is so.
        found: String,
        /// What to do.
        advice: String,
    },
    /// It does not work, or is not safe.
    Failed {
        /// What is so.
        found: String,
        /// What to do.
        advice: String,
    },
}

impl Finding {
    /// It is as it should be.
    pub(super) fn ok(found: impl Into<String>) -> Self {
        Self::Ok(found.into())
    }

    /// It works, and something about it should change.
    pub(super) fn warning(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Warning {
            found: found.into(),
            advice: advice.into(),
        }
    }

    /// It does not work, or is not safe.
    pub(super) fn failed(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Failed {
            found: found.into(),
            advice: advice.into(),
        }
    }
}

/// A check: a part of the deployment, and what was found out about it.
#[derive(Debug)]
pub(super) struct Check {
    subject: String,
    answer: Answer<Finding>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is as it should be.
    Ok,
    /// It works, and something about it should change.
    Warning,
    /// It does not work, or is not safe.
    Failed,
    /// It could not be found out.
    NotChecked,
}

impl Outcome {
    /// All of them, in the order of a summary.
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failed, Self::NotChecked];

    /// The word for scripts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotChecked => "not_checked",
        }
    }

    /// The words for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            _ => self.name(),
        }
    }
}

impl Check {
    /// What was found out about a part of the deployment.
    pub(super) fn new(subject: impl Into<String>, answer: Answer<Finding>) -> Self {
        Self {
            subject: subject.into(),
            answer,
        }
    }

    /// How it ended.
    pub(super) fn outcome(&self) -> Outcome {
        match &self.answer {
            Ok(Finding::Ok(_)) => Outcome::Ok,
            Ok(Finding::Warning { .. }) => Outcome::Warning,
            Ok(Finding::Failed { .. }) => Outcome::Failed,
            Err(_) => Outcome::NotChecked,
        }
    }

    /// What is so, or why that is not known.
    fn found(&self) -> String {
        match &self.answer {
            Ok(
                Finding::Ok(found) | Finding::Warning { found, .. } | Finding::Failed { found, .. },
            ) => found.clone(),
            Err(gap) => gap.to_string(),
        }
    }

    fn advice(&self) -> Option<&str> {
        match &self.answer {
            Ok(Finding::Warning { advice, .. } | Finding::Failed { advice, .. }) => Some(advice),
            Ok(Finding::Ok(_)) | Err(_) => None,
        }
    }

    /// One line for people, without the outcome.
    pub(super) fn line(&self) -> String {
        let found = format!("{}: {}", self.subject, self.found());
        match self.advice() {
            Some(advice) => format!("{found}; {advice}"),
            None => found,
        }
    }

    /// The object for scripts.
    pub(super) fn record(&self) -> Record {
        let permission = match &self.answer {
            Err(Gap::Permission(permission)) => Some(permission.as_str()),
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
