//! Checks of the self-test: its account, and the parameters that it needs.

use shared::users::{Account, UsernameKey};

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};
use crate::Error;
use crate::failure::explain;

/// The resets per hour of a self-test that runs every fifteen minutes, plus one manual run.
const MIN_PER_HOUR: f64 = 5.0;
/// The calls of one self-test.
const MIN_PER_MINUTE: f64 = 3.0;
/// The domain of test addresses that do not affect the reputation of the sender (SES developer
/// guide, "Using the mailbox simulator").
const SIMULATOR: &str = "@simulator.amazonses.com";

/// Checks the self-test, if it is enabled.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    match deployment.parameter("SelfTest") {
        Ok("ENABLED") => vec![
            Check::new("Self-test account", account(deployment).await),
            Check::new("Self-test settings", settings(deployment)),
        ],
        Ok(_) => {
            let advice = "see docs/operations.md, \"Self-test\"";
            let finding = Finding::warning("disabled", advice);
            vec![Check::new("Self-test", Ok(finding))]
        }
        Err(error) => vec![Check::new("Self-test", Err(error))],
    }
}

async fn account(deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let username = deployment.parameter("SelfTestUsername")?;
    let session = deployment.session;
    let found = match session.users() {
        Ok(users) => users
            .find(&UsernameKey::new(username))
            .await
            .map_err(Error::from),
        Err(error) => Err(error.into()),
    };
    let place = session.settings.place(&["USERS_TABLE"]);
    let account = found.map_err(|error| CheckError::Unknown(explain(&error, &place).text))?;
    let Some(account) = account else {
        return Ok(Finding::failed(
            format!("account {username} not found"),
            format!(
                "run accounts add {username} --id 999999999 --email success{SIMULATOR} --no-password"
            ),
        ));
    };
    Ok(judge(&account))
}

fn judge(account: &Account) -> Finding {
    let name = &account.profile.display_username;
    let email = account.profile.email.as_deref();
    if account.disabled {
        return Finding::failed(
            format!("{name} is disabled"),
            format!("run accounts enable {name}"),
        );
    }
    if !account.roles.is_empty() {
        return Finding::failed(
            format!("{name} has roles, and its password is mailed every fifteen minutes"),
            format!("run accounts revoke ROLE {name}"),
        );
    }
    match email {
        Some(email) if email.to_ascii_lowercase().ends_with(SIMULATOR) => Finding::ok(format!(
            "{name} has an address of the SES mailbox simulator"
        )),
        Some(_) => Finding::warning(
            format!("{name} has an address outside the SES mailbox simulator"),
            format!("run accounts set {name} --email success{SIMULATOR}"),
        ),
        None => Finding::failed(
            format!("{name} has no address"),
            format!("run accounts set {name} --email success{SIMULATOR}"),
        ),
    }
}

/// Checks the parameters (docs/operations.md, "Self-test"). A limit of 0 means no limit.
fn settings(deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let allows = |name: &str, least: f64| -> CheckResult<bool> {
        let limit = deployment.number(name)?;
        Ok(limit == 0.0 || limit >= least)
    };
    let protocols = deployment.parameter("AsmxProtocols")?;
    let mut wrong = Vec::new();
    if !protocols.split(',').any(|protocol| protocol == "HttpGet") {
        wrong.push("AsmxProtocols does not contain HttpGet");
    }
    if !allows("ResetPerHour", MIN_PER_HOUR)? {
        wrong.push("ResetPerHour is below 5");
    }
    if !allows("SourcePerMinute", MIN_PER_MINUTE)? {
        wrong.push("SourcePerMinute is below 3");
    }
    if deployment.number("ResponseFloorMs")? == 0.0 {
        wrong.push("ResponseFloorMs is 0");
    }
    Ok(if wrong.is_empty() {
        Finding::ok("the parameters allow the self-test")
    } else {
        Finding::failed(
            format!("the self-test will fail: {}", wrong.join(", ")),
            "change these parameters, or deploy with SelfTest=DISABLED",
        )
    })
}
