//! The traces of calls of both operations: log events, metrics and audit rows, with the names and
//! levels in `docs/audit.md`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use axum::body::Bytes;
use http::Request;
use serde_json::{Value, json};
use shared::metrics::{self, Metric};
use testkit::Sandbox;
use testkit::requests::{basic, log_in, reset, set_password};

/// A request, and its expected traces.
struct Case {
    name: &'static str,
    variables: &'static [(&'static str, &'static str)],
    has_ses: bool,
    before: Option<Request<Bytes>>,
    request: Request<Bytes>,
    /// The log events. The last one is the outcome of the request.
    events: &'static [&'static str],
    counted: &'static [Metric],
    /// Accounts and events, including those of the previous request.
    rows: &'static [(&'static str, &'static str)],
}

impl Case {
    fn new(name: &'static str, request: Request<Bytes>, events: &'static [&'static str]) -> Self {
        Self {
            name,
            variables: &[],
            has_ses: true,
            before: None,
            request,
            events,
            counted: &[],
            rows: &[],
        }
    }

    fn with(self, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { variables, ..self }
    }

    fn without_ses(self) -> Self {
        let has_ses = false;
        Self { has_ses, ..self }
    }

    fn after(self, before: Request<Bytes>) -> Self {
        let before = Some(before);
        Self { before, ..self }
    }

    fn counted(self, counted: &'static [Metric]) -> Self {
        Self { counted, ..self }
    }

    fn rows(self, rows: &'static [(&'static str, &'static str)]) -> Self {
        Self { rows, ..self }
    }
}

/// Metrics that are counted in addition to requests.
const COUNTERS: [Metric; 4] = [
    Metric::ResetPending,
    Metric::MailFailures,
    Metric::LoginFailures,
    Metric::LoginsLimited,
];

fn resets() -> Vec<Case> {
    let jdoe = || reset("jdoe");
    vec![
        Case::new("reset", jdoe(), &["reset.done"]).rows(&[("jdoe", "password.reset")]),
        Case::new("of nobody", reset("nobody-1"), &["reset.not_eligible"]),
        Case::new("limited", jdoe(), &["reset.limited"])
            .with(&[("RESET_PER_MINUTE", "1")])
            .after(jdoe())
            .rows(&[("jdoe", "password.reset")]),
        Case::new("not counted", jdoe(), &["limits.failed"])
            .with(&[("RESET_PER_MINUTE", "1"), ("LIMITS_TABLE", "Nowhere")]),
        Case::new("without users", jdoe(), &["reset.failed"]).with(&[("USERS_TABLE", "Nowhere")]),
        Case::new(
            "without SES",
            jdoe(),
            &["mail.failed", "reset.mail_not_accepted"],
        )
        .without_ses()
        .counted(&[Metric::ResetPending, Metric::MailFailures]),
    ]
}

const ADMIN: &str = "admin:p@55wOrd";

fn change(credential: &str, email: &str, password: &str) -> Request<Bytes> {
    let body = json!({ "Email": email, "NewPassword": password, "SendResetEmail": true });
    set_password(credential, &body)
}

fn change_by(credential: &str) -> Request<Bytes> {
    change(credential, "a@example.com", "lamp-Sodium-4417")
}

fn logins() -> Vec<Case> {
    let without_role = || change_by("bob:p@55wOrd");
    vec![
        Case::new(
            "wrong password",
            change_by("admin:wr0ng"),
            &["login.refused"],
        )
        .counted(&[Metric::LoginFailures]),
        Case::new(
            "unknown name",
            change_by("nobody-1:p@55wOrd"),
            &["login.refused"],
        )
        .counted(&[Metric::LoginFailures]),
        Case::new(
            "login limited",
            change_by(ADMIN),
            &["login.limited", "login.refused"],
        )
        .with(&[("LOGIN_FAILURES_PER_MINUTE", "1")])
        .after(change_by("admin:wr0ng"))
        .counted(&[Metric::LoginsLimited]),
        Case::new("wrong role", without_role(), &["login.role_missing"])
            .rows(&[("bob", "access.denied")]),
        Case::new(
            "wrong role, no audit",
            without_role(),
            &["audit.failed", "login.role_missing"],
        )
        .with(&[("AUDIT_TABLE", "Nowhere")]),
    ]
}

/// A request with an unknown session.
fn with_session(path: &str) -> Request<Bytes> {
    let request = Request::post(path).header("x-ss-id", "AAAAAAAAAAAAAAAAAAAAAAAA");
    request.body(Bytes::new()).unwrap()
}

fn sessions() -> Vec<Case> {
    let wrong = || log_in("admin:wr0ng");
    let is_counted = &[Metric::LoginFailures];
    vec![
        Case::new("session", log_in(ADMIN), &["session.opened"]),
        Case::new("wrong for session", wrong(), &["login.refused"]).counted(is_counted),
        Case::new(
            "session limited",
            log_in(ADMIN),
            &["login.limited", "login.refused"],
        )
        .with(&[("LOGIN_FAILURES_PER_MINUTE", "1")])
        .after(wrong())
        .counted(&[Metric::LoginsLimited]),
        Case::new(
            "unknown session",
            with_session("/UpdateUserRegistrationPassword"),
            &["session.refused"],
        ),
        Case::new(
            "unknown session",
            with_session("/auth"),
            &["session.refused"],
        ),
        Case::new("logout", with_session("/auth/logout"), &["session.closed"]),
        Case::new("without sessions", log_in(ADMIN), &["session.failed"])
            .with(&[("SESSIONS_TABLE", "Nowhere")]),
        Case::new("who by Basic", who_by_basic(), &["session.shown"]),
    ]
}

fn who_by_basic() -> Request<Bytes> {
    let request = Request::get("/auth").header("authorization", basic(ADMIN));
    request.body(Bytes::new()).unwrap()
}

fn changes() -> Vec<Case> {
    let weak = change(ADMIN, "a@example.com", "password1");
    let of_nobody = change(ADMIN, "nobody-1@example.com", "lamp-Sodium-4417");
    vec![
        Case::new("change", change_by(ADMIN), &["password_set.done"])
            .rows(&[("jdoe", "password.set")]),
        Case::new("weak password", weak, &["password_set.refused"]),
        Case::new("unknown customer", of_nobody, &["password_set.refused"]),
        Case::new("without users", change_by(ADMIN), &["password_set.failed"])
            .with(&[("USERS_TABLE", "Nowhere")]),
        Case::new(
            "without SES",
            change_by(ADMIN),
            &["mail.failed", "password_set.done"],
        )
        .without_ses()
        .counted(&[Metric::MailFailures])
        .rows(&[("jdoe", "password.set")]),
    ]
}

/// The lines that were logged for a sandbox after the first `before` bytes.
fn log_after(sandbox: &Sandbox, before: usize) -> Vec<Value> {
    let log = sandbox.logged();
    let lines = log[before..].lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn texts<'v>(lines: &'v [Value], name: &str) -> Vec<&'v str> {
    let texts = lines.iter().filter_map(|line| line.get(name)?.as_str());
    texts.collect()
}

/// All audit rows, as accounts and events.
async fn rows(sandbox: &Sandbox) -> Vec<(String, String)> {
    let scan = sandbox.backend.clients.dynamodb.scan();
    let table = &sandbox.backend.tables.audit;
    let rows = scan.table_name(table).send().await.unwrap();
    let text = |row: &local::Item, name: &str| row[name].as_s().unwrap().clone();
    let rows = rows.items().iter();
    rows.map(|row| (text(row, "username"), text(row, "event")))
        .collect()
}

fn cases() -> impl Iterator<Item = Case> {
    let cases = [resets(), logins(), sessions(), changes()];
    cases.into_iter().flatten()
}

#[tokio::test]
async fn every_attempt_leaves_what_is_documented() {
    let levels = documented_levels();
    for case in cases() {
        let name = case.name;
        let sandbox = Sandbox::start(case.variables).await.unwrap();
        if !case.has_ses {
            sandbox.backend.outbox.refuse(Some("MessageRejected"));
        }
        if let Some(before) = &case.before {
            sandbox.send(before).await;
        }
        let before = sandbox.logged().len();
        let (_, measured) = metrics::collect(sandbox.send(&case.request)).await;
        let log = log_after(&sandbox, before);

        assert_eq!(texts(&log, "event"), case.events, "{name}");
        assert_eq!(texts(&log, "outcome"), case.events[case.events.len() - 1..]);
        for line in log.iter().filter(|line| line.get("event").is_some()) {
            let event = line["event"].as_str().unwrap();
            assert_eq!(line["level"], levels[event], "{event}");
        }
        let ids: BTreeSet<_> = texts(&log, "request_id").into_iter().collect();
        assert_eq!(ids.len(), 1, "{name}: {log:?}");
        for counter in COUNTERS {
            let is_counted = !measured.values(counter).is_empty();
            assert_eq!(is_counted, case.counted.contains(&counter), "{name}");
        }
        let rows = rows(&sandbox).await;
        let rows: Vec<_> = rows.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(rows, case.rows, "{name}");
        println!("{name:<22} log {:?}, audit {rows:?}", case.events);
    }
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The folders with code that logs or writes audit rows.
const SOURCES: [&str; 4] = [
    "accounts/src",
    "functions/reset-user-password/src",
    "functions/update-user-registration-password/src",
    "shared/src",
];
/// Code with attribute paths such as `reset.hash`, but without events.
const WITHOUT_EVENTS: &str = "shared/src/users";

fn documentation() -> String {
    fs::read_to_string(format!("{ROOT}/docs/audit.md")).unwrap()
}

/// Whether a text has the form of an event, two words with a dot, and is not the name of a
/// template.
fn is_event(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let words = text.split_once('.');
    words.is_some_and(|(subject, verb)| {
        is_word(subject) && is_word(verb) && !matches!(verb, "html" | "txt")
    })
}

/// The level of each log event.
fn documented_levels() -> BTreeMap<String, String> {
    let documentation = documentation();
    let (_, log) = documentation.split_once("## Log events").unwrap();
    let rows = log.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let cells: Vec<_> = row.split(" | ").collect();
        let level = cells[1].to_owned();
        let events = cells[0].split('`').filter(|text| is_event(text));
        events
            .map(|event| (event.to_owned(), level.clone()))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// The events in the source code of a folder, without tests.
fn events_in(folder: &Path, events: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(WITHOUT_EVENTS) {
            continue;
        }
        if path.is_dir() {
            events_in(&path, events);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            let texts = source.split('"').filter(|text| is_event(text));
            events.extend(texts.map(str::to_owned));
        }
    }
}

#[test]
fn every_event_is_documented_and_every_documented_event_exists() {
    let mut events = BTreeSet::new();
    for folder in SOURCES {
        events_in(&Path::new(ROOT).join(folder), &mut events);
    }
    let documentation = documentation();
    let documented = documentation.split('`').filter(|text| is_event(text));
    let documented = documented.map(str::to_owned).collect();
    let differing: Vec<_> = events.symmetric_difference(&documented).collect();
    assert!(differing.is_empty(), "only in one of them: {differing:?}");
}
