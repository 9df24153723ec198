//! Checks of the functions: state, role, memory and concurrency.

use serde_json::Value;

use super::check::{Check, Finding, REDEPLOY};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult, existing};
use crate::aws::{Api, Call};

/// The functions and their roles, by their names in the template.
pub(super) const FUNCTIONS: [(&str, &str); 2] = [
    ("ResetUserPasswordFunction", "ResetUserPasswordRole"),
    (
        "UpdateUserRegistrationPasswordFunction",
        "UpdateUserRegistrationPasswordRole",
    ),
];
/// The instances needed by the sweep, the self-test and mail reports (docs/operations.md).
const BACKGROUND: f64 = 5.0;
/// The memory that a function needs in addition to two hashes, in MB.
const BASE_MEMORY: f64 = 100.0;

/// Checks both functions and the concurrency of the account.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, role) in FUNCTIONS {
        let found = configuration(deployment, name).await;
        let live = || existing(&found, "function");
        let state = match &found {
            Ok(None) => Ok(Finding::failed(
                "function not found, or it has no alias named live",
                REDEPLOY,
            )),
            _ => live().map(state),
        };
        checks.push(Check::new(name, state));
        let role = live().and_then(|found| Ok(self::role(found, deployment.id(role)?)));
        checks.push(Check::new(format!("{name} role"), role));
        let memory = live().and_then(|found| memory(found, deployment.number("Argon2MemoryKib")?));
        checks.push(Check::new(format!("{name} memory"), memory));
    }
    checks.push(Check::new("Concurrency", concurrency(deployment).await));
    checks
}

/// Reads the configuration of the live version; `None` if there is none.
async fn configuration(deployment: &Deployment<'_>, name: &str) -> CheckResult<Option<Value>> {
    let id = deployment.id(name)?;
    let path = format!("/2015-03-31/functions/{id}/configuration?Qualifier=live");
    let call = Call::get(Api::Lambda, "GetFunctionConfiguration", path);
    match deployment.send(call).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn text<'v>(found: &'v Value, name: &str) -> &'v str {
    found.get(name).and_then(Value::as_str).unwrap_or("unknown")
}

fn state(found: &Value) -> Finding {
    let (state, update) = (text(found, "State"), text(found, "LastUpdateStatus"));
    match (state, update) {
        // Lambda activates an inactive function at the next call.
        ("Active" | "Inactive", "Successful" | "InProgress") => {
            Finding::ok(format!("version {} is live", text(found, "Version")))
        }
        ("Active" | "Inactive", _) => Finding::failed(
            format!("the last update has the status {update}"),
            "deploy again, and check the events of the stack",
        ),
        _ => Finding::failed(
            format!("cannot be called in the state {state}"),
            "see StateReason in the output of aws lambda get-function-configuration",
        ),
    }
}

fn role(found: &Value, role: &str) -> Finding {
    let name = text(found, "Role");
    let name = name.rsplit('/').next().unwrap_or(name);
    if name == role {
        return Finding::ok("runs with the role of the stack");
    }
    Finding::failed(
        format!("runs with the role {name}, not with the stack's role {role}"),
        REDEPLOY,
    )
}

/// Checks that the memory suffices for two hashes (docs/operations.md, "Raising the cost of a
/// hash").
fn memory(found: &Value, argon2_kib: f64) -> CheckResult<Finding> {
    let memory = found.get("MemorySize").and_then(Value::as_f64);
    let memory =
        memory.ok_or_else(|| CheckError::Unknown("Lambda did not report MemorySize".to_owned()))?;
    let needed = BASE_MEMORY + 2.0 * argon2_kib / 1024.0;
    Ok(if memory > needed {
        Finding::ok(format!("{memory} MB; password hashes need {needed:.0} MB"))
    } else {
        Finding::failed(
            format!("{memory} MB; password hashes need {needed:.0} MB"),
            "raise MemorySize in template.yaml, or lower Argon2MemoryKib",
        )
    })
}

/// Checks that callers leave instances for the sweep (docs/operations.md, "When all instances
/// are busy").
async fn concurrency(deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let (rate, burst) = (
        deployment.number("AnonymousRate")?,
        deployment.number("AnonymousBurst")?,
    );
    let floor = deployment.number("ResponseFloorMs")? / 1_000.0;
    let needed = burst + rate * 2.0 * floor + BACKGROUND;
    let reserved = deployment.number("ResetConcurrency")?;
    let (available, advice) = if reserved > 0.0 {
        (
            reserved,
            "raise ResetConcurrency, or lower AnonymousRate and AnonymousBurst",
        )
    } else {
        let advice = "run aws service-quotas request-service-quota-increase --service-code lambda \
                      --quota-code L-B99A9384 --desired-value 1000";
        (unreserved(deployment).await?, advice)
    };
    let found = format!("{available} instances; callers and the sweep need {needed:.0}");
    Ok(if available >= needed {
        Finding::ok(found)
    } else {
        Finding::failed(found, advice)
    })
}

/// Reads the number of instances of the account that are not reserved for a function.
async fn unreserved(deployment: &Deployment<'_>) -> CheckResult<f64> {
    let path = "/2016-08-19/account-settings".to_owned();
    let call = Call::get(Api::Lambda, "GetAccountSettings", path);
    let found = deployment.send(call).await?;
    let count = found.pointer("/AccountLimit/UnreservedConcurrentExecutions");
    let count = count.and_then(Value::as_f64);
    count.ok_or_else(|| {
        CheckError::Unknown("Lambda did not report the concurrency limit".to_owned())
    })
}
