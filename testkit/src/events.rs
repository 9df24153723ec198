//! Sample events with the result each is expected to have beside it.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use local::Error;
use serde_json::Value;
use shared::lambda::{self, Handler};

use crate::Sandbox;

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
        let runtime = Arc::clone(&runtime);
        let trial = Trial::test(name, move || {
            let result = runtime.block_on(async {
                let sandbox = Sandbox::start(&[("SELF_TEST_USERNAME", "bob")]).await?;
                let mut event = std::fs::read_to_string(&path)?;
                if event.contains(SESSION_ID) {
                    let login = path.with_file_name("login.json");
                    let id = session_id(&login, function(&sandbox)).await?;
                    event = event.replace(SESSION_ID, &id);
                }
                Ok::<_, Error>(masked(invoke(function(&sandbox), &event).await?))
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

/// What stands for the id of a session, in an event and in an expected result.
const SESSION_ID: &str = "SESSION_ID";

async fn invoke(function: &Arc<dyn Handler>, event: &str) -> Result<Value, Error> {
    let request_id = "00000000-0000-4000-8000-000000000000".to_owned();
    lambda::invoke(function, event, request_id).await
}

/// The id of a session that the event in `login` opens.
async fn session_id(login: &Path, function: &Arc<dyn Handler>) -> Result<String, Error> {
    let result = invoke(function, &std::fs::read_to_string(login)?).await?;
    let cookies = result["cookies"].as_array().into_iter().flatten();
    let mut cookies = cookies.filter_map(Value::as_str);
    let id = cookies.find_map(|cookie| value_after(cookie, "ss-id="));
    Ok(id.ok_or("the login opened no session")?.to_owned())
}

/// A result without what differs each time: ids of sessions, and when cookies expire.
fn masked(mut result: Value) -> Value {
    let mut varying = Vec::new();
    for cookie in result["cookies"].as_array().into_iter().flatten() {
        let cookie = cookie.as_str().unwrap_or_default();
        for (before, mark) in [
            ("ss-id=", SESSION_ID),
            ("ss-pid=", SESSION_ID),
            ("expires=", "LATER"),
        ] {
            let value = value_after(cookie, before).filter(|value| !value.is_empty());
            varying.extend(value.map(|value| (value.to_owned(), mark)));
        }
    }
    let body = result["body"].as_str().unwrap_or_default();
    let shown = value_after(body, "\"SessionId\":\"").map(|id| (id.to_owned(), SESSION_ID));
    varying.extend(shown);
    for text in texts(&mut result) {
        for (value, mark) in &varying {
            *text = text.replace(value, mark);
        }
    }
    result
}

/// What follows the first `before`, up to the end of a value in a cookie or in JSON.
fn value_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split([';', '"']).next()
}

/// The body and the cookies of a result.
fn texts(result: &mut Value) -> Vec<&mut String> {
    let mut texts = Vec::new();
    if let Value::Object(members) = result {
        for (name, member) in members {
            match member {
                Value::String(text) if name == "body" => texts.push(text),
                Value::Array(items) if name == "cookies" => {
                    texts.extend(items.iter_mut().filter_map(|item| match item {
                        Value::String(text) => Some(text),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
    }
    texts
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
