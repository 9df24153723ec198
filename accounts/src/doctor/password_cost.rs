//! The cost of a password hash: what OWASP asks for, and whether it fits into the response floor.

use serde_json::{Value, json};
use shared::config;

use super::api::Api;
use super::call::Call;
use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::functions::FUNCTIONS;
use super::gap::{Answer, Gap};

/// What limits and storage take of a floor besides hash and mail, in milliseconds
/// (docs/operations.md, "Raising the cost of a hash").
const REST: f64 = 100.0;
/// The days and the seconds over which times are read, and the period of one value.
const DAYS: u64 = 7;
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
            "{} KiB with {} iterations",
            cost.memory_kib(),
            cost.iterations()
        )),
        Err(error) => Finding::failed(
            error.to_string(),
            "change Argon2MemoryKib or Argon2Iterations; the functions refuse to start",
        ),
    }
}

/// A floor holds twice what the slowest hundredth of hashes and mails takes together.
async fn floor(deployment: &Deployment<'_>) -> Answer<Finding> {
    let floor = deployment.number("ResponseFloorMs")?;
    if floor == 0.0 {
        return Ok(Finding::warning(
            "disabled: the time of an answer shows whether a name exists",
            "deploy with ResponseFloorMs=500",
        ));
    }
    let hash = slowest(deployment, "Argon2Time").await?;
    let mail = slowest(deployment, "MailTime").await?;
    let (Some(hash), Some(mail)) = (hash, mail) else {
        let text = format!("nobody was mailed a password in the last {DAYS} days");
        return Err(Gap::Unknown(text));
    };
    let needed = 2.0 * (hash + mail + REST);
    let found = format!("{floor} ms; p99 of hashes {hash:.0} ms, of mails {mail:.0} ms");
    Ok(if floor >= needed {
        Finding::ok(found)
    } else {
        Finding::warning(
            found,
            format!(
                "deploy with ResponseFloorMs={:.0} or more, or a lower cost",
                needed.ceil()
            ),
        )
    })
}

/// The p99 of the worst day, in milliseconds; nothing if there was none.
async fn slowest(deployment: &Deployment<'_>, metric: &str) -> Answer<Option<f64>> {
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
    let answer = call.send(&deployment.session.settings).await?;
    let points = answer.get("Datapoints").and_then(Value::as_array);
    let values = points.into_iter().flatten();
    let values = values.filter_map(|point| point.pointer("/ExtendedStatistics/p99")?.as_f64());
    Ok(values.reduce(f64::max))
}
