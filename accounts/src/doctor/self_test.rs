//! The account of the self-test, and the settings without which it fails.

use shared::users::{Account, UsernameKey};

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::gap::{Answer, Gap};
use crate::Error;
use crate::failure::explain;

/// Resets an hour of a self-test every fifteen minutes, and one by hand.
const LEAST_PER_HOUR: f64 = 5.0;
/// Calls of one self-test.
const LEAST_PER_MINUTE: f64 = 3.0;
/// The domain of addresses that accept mail and cost no reputation (SES developer guide, "Using the
/// mailbox simulator").
const SIMULATOR: &str = "@simulator.amazonses.com";

/// Checks the self-test, if it is on.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    match deployment.parameter("SelfTest") {
        Ok("ENABLED") => vec![
            Check::new("Self-test account", account(deployment).await),
            Check::new("Self-test settings", settings(deployment)),
        ],
        Ok(_) => {
            let advice = "see docs/operations.md, \"Self-test\"";
            let finding = Finding::warning("off", advice);
            vec![Check::new("Self-test", Ok(finding))]
        }
        Err(gap) => vec![Check::new("Self-test", Err(gap))],
    }
}

async fn account(deployment: &Deployment<'_>) -> Answer<Finding> {
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
    let account = found.map_err(|error| Gap::Unknown(explain(&error, &place).text))?;
    let Some(account) = account else {
        return Ok(Finding::failed(
            format!("there is no account {username}"),
            format!(
                "accounts add {username} --id 999999999 --email success{SIMULATOR} --no-password"
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
            format!("accounts enable {name}"),
        );
    }
    if !account.roles.is_empty() {
        return Finding::failed(
            format!("{name} has roles, and its password is mailed every fifteen minutes"),
            format!("accounts revoke ROLE {name}"),
        );
    }
    match email {
        Some(email) if email.to_ascii_lowercase().ends_with(SIMULATOR) => {
            Finding::ok(format!("{name} has an address of SES's mailbox simulator"))
        }
        Some(_) => Finding::warning(
            format!("{name} has an address outside SES's mailbox simulator"),
            format!("accounts set {name} --email success{SIMULATOR}"),
        ),
        None => Finding::failed(
            format!("{name} has no address"),
            format!("accounts set {name} --email success{SIMULATOR}"),
        ),
    }
}

/// What docs/operations.md, "Self-test", asks of the parameters; 0 stands for no limit.
fn settings(deployment: &Deployment<'_>) -> Answer<Finding> {
    let allows = |name: &str, least: f64| -> Answer<bool> {
        let limit = deployment.number(name)?;
        Ok(limit == 0.0 || limit >= least)
    };
    let protocols = deployment.parameter("AsmxProtocols")?;
    let mut wrong = Vec::new();
    if !protocols.split(',').any(|protocol| protocol == "HttpGet") {
        wrong.push("AsmxProtocols has no HttpGet");
    }
    if !allows("ResetPerHour", LEAST_PER_HOUR)? {
        wrong.push("ResetPerHour is below 5");
    }
    if !allows("SourcePerMinute", LEAST_PER_MINUTE)? {
        wrong.push("SourcePerMinute is below 3");
    }
    if deployment.number("ResponseFloorMs")? == 0.0 {
        wrong.push("ResponseFloorMs is 0");
    }
    Ok(if wrong.is_empty() {
        Finding::ok("sufficient")
    } else {
        Finding::failed(
            format!("the self-test will fail: {}", wrong.join(", ")),
            "change these parameters, or deploy with SelfTest=DISABLED",
        )
    })
}
