//! Sample events with the result each is expected to have beside it.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use local::Error;
use serde_json::Value;
use shared::lambda::{self, Handler};

use crate::Sandbox;

/// The secret in the events that came through a front door.
const FRONT_DOOR_SECRET: &str = "front-door-of-the-sample-events-0";

/// The variables of a function that gets the event of this name: `front-door-…` events are for
/// functions behind a front door.
fn variables(name: &str) -> Vec<(&'static str, &'static str)> {
    let mut variables = vec![("SELF_TEST_USERNAME", "bob")];
    if name.starts_with("front-door-") {
        variables.push(("FRONT_DOOR", "CLOUDFRONT"));
        variables.push(("FRONT_DOOR_SECRET", FRONT_DOOR_SECRET));
    }
    variables
}

/// A test for each event of a folder, which runs it through a function on a backend of its own. The
/// result of `NAME.json` must be `NAME.expected.json`. Fails if there is none.
pub fn trials(
    folder: &Path,
    function: fn(&Sandbox) -> &Arc<dyn Handler>,
) -> Result<Vec<Trial>, Error> {
    let runtime = Arc::new(tokio::runtime::Runtime::new()?);
    let mut trials = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some((name, "json")) = name.split_once('.') else {
            continue;
        };
        let name = name.to_owned();
        let variables = variables(&name);
        let runtime = Arc::clone(&runtime);
        let trial = Trial::test(name, move || {
            let result = runtime.block_on(async {
                let sandbox = Sandbox::start(&variables).await?;
                let event = std::fs::read_to_string(&path)?;
                let request_id = "00000000-0000-4000-8000-000000000000".to_owned();
                lambda::invoke(function(&sandbox), &event, request_id).await
            });
            judge(&path.with_extension("expected.json"), &result?)
        });
        trials.push(trial.with_kind("event"));
    }
    if trials.is_empty() {
        return Err(format!("there are no events in {}", folder.display()).into());
    }
    trials.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(trials)
}

fn judge(expected: &Path, result: &Value) -> Result<(), Failed> {
    let wanted: Value = std::fs::read_to_string(expected)
        .map_err(|error| format!("{}: {error}", expected.display()))
        .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))?;
    if *result == wanted {
        Ok(())
    } else {
        Err(format!("wanted {wanted:#}\ngot    {result:#}").into())
    }
}
