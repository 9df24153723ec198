//! Checks of the cost of a password hash: OWASP's minimum, and the response floor.

use serde_json::{Value, json};
use shared::config;

use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};
use super::functions::FUNCTIONS;
use crate::aws::{Api, Call};
use crate::quantity::quantity;

/// The time for rate limits and storage in addition to hash and mail, in milliseconds
/// (docs/operations.md, "Raising the cost of a hash").
const OVERHEAD_MS: f64 = 100.0;
/// The number of days over which metrics are read.
const DAYS: u64 = 7;
/// The seconds in a day, and the period of the metrics.
const DAY: u64 = 86_400;

/// Checks the cost of a hash.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    vec![
        Check::new("Argon2 cost", Ok(cost(deployment))),
        Check::new("Response floor", floor(deployment).await),
    ]
}

fn cost(deployment: &Deployment<'_>) -> Finding {
    match deployment.session.configured(config::password_cost) {
        Ok(cost) => Finding::ok(format!(
            "{} KiB with {}",
            cost.memory_kib(),
            quantity(cost.iterations().into(), "iteration")
        )),
        Err(error) => Finding::failed(
            error.to_string(),
            "the functions refuse to start: change Argon2MemoryKib or Argon2Iterations",
        ),
    }
}

/// Checks that the floor is at least twice the sum of the p99 of hashes, the p99 of emails and
/// [`OVERHEAD_MS`].
async fn floor(deployment: &Deployment<'_>) -> CheckResult<Finding> {
    let floor = deployment.number("ResponseFloorMs")?;
    if floor == 0.0 {
        return Ok(Finding::warning(
            "disabled: response times reveal whether a user name exists",
            "deploy with ResponseFloorMs=500",
        ));
    }
    let hash = slowest(deployment, "Argon2Time").await?;
    let mail = slowest(deployment, "MailTime").await?;
    let (Some(hash), Some(mail)) = (hash, mail) else {
        let text = format!("no password was mailed in the last {DAYS} days");
        return Err(CheckError::Unknown(text));
    };
    let needed = 2.0 * (hash + mail + OVERHEAD_MS);
    let found = format!("{floor} ms; p99 of hashes {hash:.0} ms, of emails {mail:.0} ms");
    Ok(if floor >= needed {
        Finding::ok(found)
    } else {
        Finding::warning(
            found,
            format!(
                "deploy with ResponseFloorMs={:.0} or higher, or reduce Argon2MemoryKib or \
                 Argon2Iterations",
                needed.ceil()
            ),
        )
    })
}

/// Reads the p99 of the slowest day, in milliseconds; `None` without data.
async fn slowest(deployment: &Deployment<'_>, metric: &str) -> CheckResult<Option<f64>> {
    let (name, _) = FUNCTIONS[0];
    let now = deployment.session.now.0;
    let input = json!({
        "Namespace": "PasswordServices",
        "MetricName": metric,
        "Dimensions": [{ "Name": "Function", "Value": deployment.id(name)? }],
        "StartTime": now - DAYS * DAY,
        "EndTime": now,
        "Period": DAY,
        "ExtendedStatistics": ["p99"],
    });
    let call = Call::json(Api::CloudWatch, "GetMetricStatistics", &input);
    let answer = deployment.send(call).await?;
    let points = answer.get("Datapoints").and_then(Value::as_array);
    let values = points.into_iter().flatten();
    let values = values.filter_map(|point| point.pointer("/ExtendedStatistics/p99")?.as_f64());
    Ok(values.reduce(f64::max))
}
