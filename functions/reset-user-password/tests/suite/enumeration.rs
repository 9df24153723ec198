//! Answers do not reveal which accounts exist: whatever happens to a request, its answer has the
//! same status, headers and bytes as the answer for an unknown name. `testkit/tests/suite/timing/`
//! tests response times.
//!
//! Every state is real, produced by items in the tables and by a relay in front of DynamoDB and
//! SES. The calls that were made prove it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{Request, Response, StatusCode};
use local::Item;
use testkit::Sandbox;
use testkit::item::disable;
use testkit::relay::{Action, Call, Gone, Relays};
use testkit::requests::reset_by_every_binding;

/// The number of states that run at the same time. Each has a service with its own hashing memory.
const AT_ONCE: usize = 16;

#[derive(Debug, Clone, Copy)]
enum Binding {
    Get,
    Post,
    Soap11,
    Soap12,
}

const BINDINGS: [Binding; 4] = [
    Binding::Get,
    Binding::Post,
    Binding::Soap11,
    Binding::Soap12,
];

impl Binding {
    fn request(self, username: &str) -> Request<Bytes> {
        let [get, post, soap11, soap12] = reset_by_every_binding(username);
        match self {
            Self::Get => get,
            Self::Post => post,
            Self::Soap11 => soap11,
            Self::Soap12 => soap12,
        }
    }
}

/// The account with the name, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Account {
    Known,
    Unknown,
    Disabled,
    WithoutEmail,
}

/// The calls of a reset, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The request is counted.
    Limit,
    /// The new hash is stored next to the old one.
    Reserve,
    /// The brand of the email.
    Brand,
    /// The email.
    Mail,
    /// The mailed password becomes valid.
    Promote,
}
use Step::{Brand, Limit, Mail, Promote, Reserve};

impl Step {
    fn of(call: &Call) -> Self {
        match call.operation.as_str() {
            "UpdateItem" if call.body.contains("\"Limits\"") => Limit,
            "UpdateItem" => Reserve,
            "TransactWriteItems" => Promote,
            "GetItem" => Brand,
            "SendEmail" => Mail,
            other => panic!("{other} is not a call of a reset"),
        }
    }
}

type Script = Arc<dyn Fn(Step) -> Action + Send + Sync>;

/// A state that a request can be in.
#[derive(Clone)]
struct State {
    name: String,
    account: Account,
    /// The limit that the request exceeds, and whether the same process counted the previous
    /// request.
    limited_by: Option<(&'static str, bool)>,
    /// The action of the relay for each call.
    script: Script,
    /// Whether DynamoDB and SES are gone from the network.
    gone: Gone,
    /// The expected calls, without retries.
    steps: &'static [Step],
}

impl State {
    fn new(name: impl Into<String>, account: Account, steps: &'static [Step]) -> Self {
        Self {
            name: name.into(),
            account,
            limited_by: None,
            script: Arc::new(|_| Action::forward()),
            gone: Gone::default(),
            steps,
        }
    }

    /// A known name, with this action for one of the steps.
    fn at(step: Step, what: &str, action: Action) -> Self {
        let name = format!("{step:?}: {what}");
        let steps: &[Step] = match step {
            Limit => &[Limit],
            Reserve => &[Limit, Reserve],
            // Without an email, there is no promotion.
            Mail => &[Limit, Reserve, Brand, Mail],
            // The email is sent with a different brand instead.
            Brand | Promote => EVERY_STEP,
        };
        Self::new(name, Account::Known, steps).with(move |at| match at {
            at if at == step => action.clone(),
            _ => Action::forward(),
        })
    }

    /// Adds the call that postpones the next attempt after a refusal.
    fn refused(mut self) -> Self {
        self.steps = &[Limit, Reserve, Brand, Mail, Reserve];
        self
    }

    fn with(mut self, script: impl Fn(Step) -> Action + Send + Sync + 'static) -> Self {
        self.script = Arc::new(script);
        self
    }
}

/// Every error that the SDK's model of `SendEmail` has.
const SES_ERRORS: [&str; 8] = [
    "AccountSuspendedException",
    "BadRequestException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "MessageRejected",
    "NotFoundException",
    "SendingPausedException",
    "TooManyRequestsException",
];

/// The errors among them that are not about this email or its sender.
const OUTAGES: [&str; 4] = [
    "AccountSuspendedException",
    "LimitExceededException",
    "SendingPausedException",
    "TooManyRequestsException",
];

/// DynamoDB's answers if it is overloaded or fails.
const DYNAMODB_ERRORS: [(u16, &str); 4] = [
    (400, "ThrottlingException"),
    (400, "ProvisionedThroughputExceededException"),
    (400, "RequestLimitExceeded"),
    (500, "InternalServerError"),
];

const EVERY_STEP: &[Step] = &[Limit, Reserve, Brand, Mail, Promote];

fn states() -> Vec<State> {
    let mut states = accounts().to_vec();
    states.extend(limits());
    states.extend(ses_failures());
    for step in [Limit, Reserve, Brand, Promote] {
        states.extend(dynamodb_failures(step));
    }
    states.extend(outages());
    states
}

fn accounts() -> [State; 4] {
    [
        State::new("known", Account::Known, EVERY_STEP),
        State::new("unknown", Account::Unknown, &[Limit, Reserve]),
        State::new("disabled", Account::Disabled, &[Limit, Reserve]),
        State::new("no e-mail", Account::WithoutEmail, &[Limit, Reserve]),
    ]
}

fn limits() -> Vec<State> {
    let mut states = Vec::new();
    for limit in ["RESET_PER_MINUTE", "RESET_PER_HOUR", "SOURCE_PER_MINUTE"] {
        for account in [Account::Known, Account::Unknown] {
            for (is_remembered, steps) in [(true, &[][..]), (false, &[Limit])] {
                let place = if is_remembered { "here" } else { "elsewhere" };
                let name = format!("limited by {limit} {place}, {account:?}");
                let mut state = State::new(name, account, steps);
                state.limited_by = Some((limit, is_remembered));
                states.push(state);
            }
        }
    }
    states
}

fn ses_failures() -> Vec<State> {
    let refusals = SES_ERRORS.map(|error| {
        let state = State::at(Mail, error, Action::refuse(400, error));
        if OUTAGES.contains(&error) {
            state
        } else {
            state.refused()
        }
    });
    let slow = Action::forward().after(Duration::from_millis(300));
    let mut states = refusals.to_vec();
    states.extend([
        State::at(Mail, "unknown error", Action::refuse(418, "NewException")).refused(),
        State::at(Mail, "429", Action::answer(429, "", "")),
        State::at(Mail, "500", Action::refuse(500, "InternalFailure")),
        State::at(Mail, "503 of a proxy", Action::answer(503, "", "<html>")),
        State::at(Mail, "unreadable refusal", Action::answer(400, "", "{\"")),
        State::at(Mail, "unreadable success", Action::answer(200, "", "<ok>")),
        State::at(Mail, "too slow", Action::too_late()),
        State::at(Mail, "hangs up", Action::HANG_UP),
        // Nothing has failed here.
        State::new("Mail: slow", Account::Known, EVERY_STEP).with(move |step| match step {
            Mail => slow.clone(),
            _ => Action::forward(),
        }),
    ]);
    states
}

fn dynamodb_failures(step: Step) -> Vec<State> {
    let mut states: Vec<State> = DYNAMODB_ERRORS
        .map(|(status, error)| State::at(step, error, Action::refuse(status, error)))
        .to_vec();
    states.extend([
        State::at(step, "too slow", Action::too_late()),
        State::at(step, "hangs up", Action::HANG_UP),
        State::at(step, "unreadable answer", Action::answer(200, "", "<ok>")),
    ]);
    if step == Promote {
        for reason in ["ThrottlingError", "TransactionConflict"] {
            let what = format!("cancelled, {reason}");
            states.push(State::at(step, &what, Action::cancel(reason, 2)));
        }
    }
    states
}

fn outages() -> Vec<State> {
    let mut ses = State::new("SES unreachable", Account::Known, &[Limit, Reserve, Brand]);
    ses.gone.ses = true;
    let mut dynamodb = State::new("DynamoDB unreachable", Account::Known, &[]);
    dynamodb.gone.dynamodb = true;
    let mut both = State::new("both unreachable", Account::Known, &[]);
    both.gone = Gone {
        dynamodb: true,
        ses: true,
    };
    let after_first = State::new(
        "DynamoDB down after the first call",
        Account::Known,
        &[Limit, Reserve],
    );
    let after_first = after_first.with(|step| match step {
        Limit => Action::forward(),
        _ => Action::HANG_UP,
    });
    vec![ses, dynamodb, both, after_first]
}

/// All parts of an answer.
#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    version: http::Version,
    headers: Vec<(String, Bytes)>,
    body: Bytes,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let headers = response.headers().iter();
        let bytes = |value: &http::HeaderValue| Bytes::copy_from_slice(value.as_bytes());
        Self {
            status: response.status(),
            version: response.version(),
            // In order, because the order could reveal something too.
            headers: headers
                .map(|(name, value)| (name.to_string(), bytes(value)))
                .collect(),
            body: response.into_body(),
        }
    }
}

/// Writes an account with this name, unless the name should be unknown.
async fn register(tables: &Sandbox, username: &str, account: Account) {
    let change: fn(&mut Item) = match account {
        Account::Unknown => return,
        Account::Known => |_| {},
        Account::Disabled => disable,
        Account::WithoutEmail => |item| {
            item.remove("email");
            item.remove("email_key");
        },
    };
    let copied = tables.copy_user("jdoe", username, change).await;
    copied.unwrap();
}

/// The answer in this state, with this binding, for a unique name.
async fn answer(tables: &Sandbox, state: &State, binding: Binding, username: &str) -> Answer {
    register(tables, username, state.account).await;
    let relays = Relays::start_without(&tables.backend, state.gone).unwrap();
    // States without an exceeded limit have a limit that is not reached, so that requests are
    // counted.
    let limit = state
        .limited_by
        .map_or(("RESET_PER_MINUTE", "3"), |(limit, _)| (limit, "1"));
    let service = Sandbox::on(relays.backend.clone(), &[limit]).unwrap();
    let other = Sandbox::on(relays.backend.clone(), &[limit]).unwrap();
    if let Some((_, is_remembered)) = state.limited_by {
        let first = if is_remembered { &service } else { &other };
        first.send(&binding.request(username)).await;
    }
    relays.take_calls();
    let script = Arc::clone(&state.script);
    relays.script(move |call| script(Step::of(call)));
    let answer = service.send(&binding.request(username)).await.into();
    let mut steps: Vec<Step> = relays.take_calls().iter().map(Step::of).collect();
    steps.dedup();
    assert_eq!(steps, state.steps, "{}, {binding:?}", state.name);
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_state_has_the_answer_of_an_unknown_name() {
    let backend = testkit::backend().await;
    let tables = Sandbox::on(backend, &[]).unwrap();
    let unknown = State::new("unknown", Account::Unknown, &[Limit, Reserve]);
    let mut expected = Vec::new();
    for binding in BINDINGS {
        let username = format!("nobody-{binding:?}");
        expected.push(answer(&tables, &unknown, binding, &username).await);
    }
    assert!(
        expected
            .iter()
            .all(|answer| answer.status == StatusCode::OK)
    );

    let states = states();
    // The encoder does not know the outcome of the reset, so each state uses only one of the
    // bindings in turn. Only the first state, a successful reset, uses all of them.
    let [done, ..] = &states[..] else {
        panic!("there are no states")
    };
    let by_turns = states.iter().zip((0..BINDINGS.len()).cycle());
    let by_all = (0..BINDINGS.len()).map(|binding| (done, binding));
    let compared = stream::iter(by_turns.chain(by_all).enumerate())
        .map(|(row, (state, turn))| {
            let (tables, binding, expected) = (&tables, BINDINGS[turn], &expected[turn]);
            async move {
                let username = format!("name-{row}");
                let found = answer(tables, state, binding, &username).await;
                assert_eq!(&found, expected, "{}, {binding:?}", state.name);
                println!("{:<48} same answer by {binding:?}", state.name);
            }
        })
        .buffer_unordered(AT_ONCE)
        .count()
        .await;
    assert_eq!(compared, states.len() + BINDINGS.len());
}
