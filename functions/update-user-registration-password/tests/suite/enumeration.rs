//! Failed logins do not reveal which administrators exist: the answer is the same for every reason,
//! after the same calls to DynamoDB. `login_cost.rs` tests the number of hashes.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use axum::body::Bytes;
use http::{Request, Response, StatusCode};
use local::Item;
use local::attribute::{number, text};
use testkit::Sandbox;
use testkit::item::disable;
use testkit::relay::Relays;
use testkit::requests::basic;

/// The password of every demo account.
const PASSWORD: &str = "p@55wOrd";

/// A path and an `Accept` header for each format: of updates with Basic authentication, and of
/// logins that open a session.
const FORMATS: [(&str, &str); 10] = [
    ("/UpdateUserRegistrationPassword", "application/json"),
    ("/UpdateUserRegistrationPassword", "text/html"),
    ("/json/reply/UpdateUserRegistrationPasswordRequest", "*/*"),
    ("/xml/reply/UpdateUserRegistrationPasswordRequest", "*/*"),
    ("/jsv/reply/UpdateUserRegistrationPasswordRequest", "*/*"),
    ("/csv/reply/UpdateUserRegistrationPasswordRequest", "*/*"),
    ("/auth/credentials", "application/json"),
    ("/auth", "text/html"),
    ("/json/reply/Authenticate", "*/*"),
    ("/xml/reply/Authenticate", "*/*"),
];

fn request((path, accept): (&str, &str), login: &str) -> Request<Bytes> {
    let request = Request::post(path)
        .header("accept", accept)
        .header("content-type", "application/x-www-form-urlencoded");
    let request = if path.to_ascii_lowercase().contains("auth") {
        let (name, password) = login.split_once(':').unwrap();
        request.body(format!("UserName={name}&Password={password}").into())
    } else {
        request
            .header("authorization", basic(login))
            .body("Email=a@example.com&NewPassword=lamp-Sodium-4417".into())
    };
    request.unwrap()
}

/// A login that fails.
struct Case {
    name: &'static str,
    /// The change to the administrator's account. `None` if there is no account.
    account: Option<fn(&mut Item)>,
    password: &'static str,
    /// Whether the limit of failures is already reached, and where.
    limited: Option<Limited>,
}

/// The process that counted the earlier failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limited {
    /// The process that gets the request.
    Here,
    /// Another process, so that the failures must be read from the table.
    Elsewhere,
}

const CASES: [Case; 10] = [
    Case::new("unknown", None, PASSWORD),
    Case::new("wrong password", Some(|_| {}), "wr0ng"),
    Case::new("disabled, right password", Some(disable), PASSWORD),
    Case::new("disabled, wrong password", Some(disable), "wr0ng"),
    Case::new("expired, right password", Some(expire), PASSWORD),
    Case::new("without a password", Some(remove_password), PASSWORD),
    Case::limited(Limited::Here, "limited, right password", Some(|_| {})),
    Case::limited(Limited::Here, "limited, unknown", None),
    Case::limited(
        Limited::Elsewhere,
        "limited elsewhere, right password",
        Some(|_| {}),
    ),
    Case::limited(Limited::Elsewhere, "limited elsewhere, unknown", None),
];

fn expire(item: &mut Item) {
    item.insert("password_expires_at".to_owned(), number(1));
}

fn remove_password(item: &mut Item) {
    item.remove("password_hash");
}

impl Case {
    const fn new(
        name: &'static str,
        account: Option<fn(&mut Item)>,
        password: &'static str,
    ) -> Self {
        Self {
            name,
            account,
            password,
            limited: None,
        }
    }

    const fn limited(limited: Limited, name: &'static str, account: Option<fn(&mut Item)>) -> Self {
        Self {
            limited: Some(limited),
            ..Self::new(name, account, PASSWORD)
        }
    }
}

/// All parts of an answer.
fn everything(response: &Response<Bytes>) -> String {
    let (status, version) = (response.status(), response.version());
    format!(
        "{version:?} {status} {:?} {:?}",
        response.headers(),
        response.body()
    )
}

struct Fixture {
    tables: Sandbox,
    relays: Relays,
    service: Sandbox,
    elsewhere: Sandbox,
    addresses: u8,
}

impl Fixture {
    async fn start() -> Self {
        let backend = testkit::backend().await;
        let tables = Sandbox::on(backend, &[]).unwrap();
        let relays = Relays::start(&tables.backend).unwrap();
        let limit = [("LOGIN_FAILURES_PER_MINUTE", "1")];
        let service = Sandbox::on(relays.backend.clone(), &limit).unwrap();
        let elsewhere = Sandbox::on(tables.backend.clone(), &limit).unwrap();
        Self {
            elsewhere,
            tables,
            relays,
            service,
            addresses: 0,
        }
    }

    async fn register(&self, username: &str, change: fn(&mut Item)) {
        let email = text(&format!("{username}@pumpalarm.com"));
        let change = |item: &mut Item| {
            item.insert("email".to_owned(), email.clone());
            item.insert("email_key".to_owned(), email);
            change(item);
        };
        let copied = self.tables.copy_user("admin", username, change).await;
        copied.unwrap();
    }

    /// The answer and its calls. The name and the source address are unique, so that no login finds
    /// counted failures of another.
    async fn answer(
        &mut self,
        case: &Case,
        format: (&str, &str),
        by_email: bool,
    ) -> (String, Vec<String>) {
        self.addresses += 1;
        let username = format!("someone{}", self.addresses);
        if let Some(change) = case.account {
            self.register(&username, change).await;
        }
        let name = if by_email {
            format!("{username}@pumpalarm.com")
        } else {
            username
        };
        if let Some(limited) = case.limited {
            let wrong = request(format, &format!("{name}:wr0ng"));
            let service = match limited {
                Limited::Here => &self.service,
                Limited::Elsewhere => &self.elsewhere,
            };
            service.send_from(self.source(), &wrong).await;
        }
        self.relays.take_calls();
        let login = request(format, &format!("{name}:{}", case.password));
        let response = self.service.send_from(self.source(), &login).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{}", case.name);
        let calls = self.relays.take_calls().into_iter();
        (
            everything(&response),
            in_order(calls.map(|call| call.operation)),
        )
    }

    fn source(&self) -> [u8; 4] {
        [198, 51, 100, self.addresses]
    }
}

/// All calls before those that count the failure.
fn before_the_hash(calls: &[String]) -> &[String] {
    let count = calls.iter().position(|call| call == "UpdateItem");
    let (before, _) = calls.split_at(count.expect("a failure is counted"));
    before
}

/// Concurrent calls can be in any order.
fn in_order(calls: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut calls: Vec<_> = calls.into_iter().collect();
    if let [first, second, ..] = calls.as_mut_slice()
        && first > second
    {
        std::mem::swap(first, second);
    }
    calls
}

#[tokio::test]
async fn every_failed_login_has_the_answer_of_an_unknown_name() {
    let mut fixture = Fixture::start().await;
    let [unknown, ..] = &CASES;
    for format in FORMATS {
        for by_email in [false, true] {
            let (expected, expected_calls) = fixture.answer(unknown, format, by_email).await;
            for case in &CASES {
                let (answer, calls) = fixture.answer(case, format, by_email).await;
                assert_eq!(answer, expected, "{}, {format:?}, {by_email}", case.name);
                // A source that exceeds the limit exceeds it for every kind of name.
                let expected_calls = match case.limited {
                    None => expected_calls.as_slice(),
                    Some(Limited::Here) => &[],
                    Some(Limited::Elsewhere) => before_the_hash(&expected_calls),
                };
                assert_eq!(calls, expected_calls, "{}, {format:?}", case.name);
            }
            let all: &[_] = if by_email {
                // Per address, per source, and per account that the address belongs to, if any.
                &[
                    "GetItem",
                    "Query",
                    "BatchGetItem",
                    "UpdateItem",
                    "UpdateItem",
                    "UpdateItem",
                ]
            } else {
                &["BatchGetItem", "UpdateItem", "UpdateItem"]
            };
            assert_eq!(expected_calls, all);
        }
    }
    for case in &CASES {
        println!("{:<28} same answer in {} formats", case.name, FORMATS.len());
    }
    assert!(fixture.tables.backend.outbox.mails().is_empty());
}
