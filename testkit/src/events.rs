//! Runs sample events, and compares their results with the expected ones in the same folder.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use local::Error;
use serde_json::Value;
use shared::lambda::{self, Handler};

use crate::Sandbox;

/// The secret in the events that came through a front door.
const FRONT_DOOR_SECRET: &str = "front-door-of-the-sample-events-0";

/// The variables of the function for the event with this name. Events named `front-door-…` are for
/// functions behind a front door.
fn variables(name: &str) -> Vec<(&'static str, &'static str)> {
    let mut variables = vec![("SELF_TEST_USERNAME", "bob")];
    if name.starts_with("front-door-") {
        variables.push(("FRONT_DOOR", "CLOUDFRONT"));
        variables.push(("FRONT_DOOR_SECRET", FRONT_DOOR_SECRET));
    }
    variables
}

/// Makes a test for each event in a folder, which runs the event through a function on its own
/// backend. The result of `NAME.json` must be `NAME.expected.json`. Fails if there are no events.
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
                let mut event = std::fs::read_to_string(&path)?;
                if event.contains(SESSION_ID) {
                    let login = path.with_file_name("login.json");
                    let id = session_id(&login, function(&sandbox)).await?;
                    event = event.replace(SESSION_ID, &id);
                }
                Ok::<_, Error>(masked(&invoke(function(&sandbox), &event).await?)?)
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

/// The placeholder for the id of a session, in events and expected results.
const SESSION_ID: &str = "SESSION_ID";

async fn invoke(function: &Arc<dyn Handler>, event: &str) -> Result<Value, Error> {
    let request_id = "00000000-0000-4000-8000-000000000000".to_owned();
    lambda::invoke(function, event, request_id).await
}

/// Opens a session with the event in `login`, and returns its id.
async fn session_id(login: &Path, function: &Arc<dyn Handler>) -> Result<String, Error> {
    let result = invoke(function, &std::fs::read_to_string(login)?).await?;
    let ids = values_after(&result.to_string(), "ss-id=");
    Ok(ids.first().ok_or("the login opened no session")?.clone())
}

/// Masks the parts of a result that differ each time: ids of sessions, and the expiry of cookies.
fn masked(result: &Value) -> Result<Value, serde_json::Error> {
    let mut text = result.to_string();
    for (before, mark) in [
        ("ss-id=", SESSION_ID),
        ("ss-pid=", SESSION_ID),
        (r#"\"SessionId\":\""#, SESSION_ID),
        ("expires=", "LATER"),
    ] {
        for value in values_after(&text, before) {
            text = text.replace(&value, mark);
        }
    }
    serde_json::from_str(&text)
}

/// Finds the values that follow `before`, up to the end of a value in a cookie or in JSON.
fn values_after(text: &str, before: &str) -> Vec<String> {
    let values = text.split(before).skip(1);
    let values = values.filter_map(|rest| rest.split([';', '\\', '"']).next());
    values
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
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
