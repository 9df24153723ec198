//! Check of the KMS key that encrypts tables, logs, alarms and dead letters.

use serde_json::json;

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};
use crate::aws::{Api, Call};

/// Checks the key of the stack.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    vec![Check::new("Key", key(deployment).await)]
}

async fn key(deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let arn = deployment.output("KeyArn")?;
    let arn = arn.ok_or_else(|| {
        CheckError::Unknown(
            "the stack has no output KeyArn; deploy the current template".to_owned(),
        )
    })?;
    let call = Call::json(Api::Kms, "DescribeKey", &json!({ "KeyId": arn }));
    let answer = match deployment.send(call).await {
        Err(error) if error.is_not_found() => {
            let advice = "the tables are unreadable without it; contact AWS Support at once";
            return Ok(Finding::failed("key not found", advice));
        }
        answer => answer?,
    };
    let state = answer.pointer("/KeyMetadata/KeyState");
    Ok(
        match state.and_then(|state| state.as_str()).unwrap_or("unknown") {
            "Enabled" | "Updating" => Finding::ok("enabled"),
            "PendingDeletion" => Finding::failed(
                "scheduled for deletion; the tables are unreadable without it",
                format!(
                    "with the deployer's role, run aws kms cancel-key-deletion --key-id {arn}, then aws kms enable-key --key-id {arn}"
                ),
            ),
            state => Finding::failed(
                format!("cannot be used in the state {state}"),
                format!("with the deployer's role, run aws kms enable-key --key-id {arn}"),
            ),
        },
    )
}
