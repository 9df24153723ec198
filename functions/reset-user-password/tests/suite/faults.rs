//! Fault injection: every call of a reset and of the sweep fails in every possible way, and the
//! user still knows a valid password.
//!
//! `cargo test -p reset-user-password --test suite -- --nocapture faults` prints the results.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one prints what it found"
)]

use futures_util::future::join_all;
use local::Backend;
use local::ses::Mail;
use password::Secret;
use shared::clock::Timestamp;
use shared::users::UsernameKey;
use shared::users::protocol::{Pending, reserve, set_password};
use testkit::faults::{Extent, Injection, Matrix, Plan, World, fill, work_permit};
use testkit::requests::reset;

const OLD_PASSWORD: &str = "p@55wOrd";
const PENDING: [&str; 3] = ["reset", "reset_queue", "reset_due_at"];

/// A scenario in which calls fail.
#[derive(Debug, Clone, Copy)]
struct Scenario {
    title: &'static str,
    mode: &'static str,
    /// The number of earlier failed attempts at a reset. With 0, a new reset is requested.
    failed_attempts: Option<u64>,
    /// Whether an administrator has set the password (here the old one) after that reset was
    /// requested.
    is_superseded: bool,
    /// `RESPONSE_FLOOR_MS`
    floor_ms: &'static str,
}

const RESET: Scenario = Scenario {
    title: "reset",
    mode: "replace",
    failed_attempts: None,
    is_superseded: false,
    floor_ms: "0",
};
const SWEEP: Scenario = Scenario {
    title: "sweep",
    failed_attempts: Some(1),
    ..RESET
};
const SCENARIOS: [Scenario; 7] = [
    RESET,
    Scenario {
        title: "reset that keeps the old password",
        mode: "dual",
        ..RESET
    },
    Scenario {
        title: "reset that must end in time for its answer",
        // Less than the SDK's timeout of a call with retries.
        floor_ms: "2000",
        ..RESET
    },
    SWEEP,
    Scenario {
        title: "sweep that keeps the old password",
        mode: "dual",
        ..SWEEP
    },
    Scenario {
        title: "sweep of a reset that an administrator has superseded",
        is_superseded: true,
        ..SWEEP
    },
    Scenario {
        title: "sweep that gives up",
        failed_attempts: Some(5),
        ..SWEEP
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn some_known_password_works_whatever_fails() {
    work(Extent::WithoutRepeats).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes twice as long, for more of the same calls: CONTRIBUTING.md"]
async fn some_known_password_works_whatever_fails_in_the_whole_matrix() {
    work(Extent::Whole).await;
}

async fn work(extent: Extent) {
    let matrices = SCENARIOS.map(|scenario| matrix(scenario, extent));
    for matrix in join_all(matrices).await {
        println!("{matrix}");
        assert!(matrix.is_complete());
    }
}

async fn matrix(scenario: Scenario, extent: Extent) -> Matrix {
    // The embedded DynamoDB makes one call at a time.
    let backend = testkit::backend().await;
    let (calls, answer) = without_failures(&backend, scenario).await;
    let cell = |injection| {
        let case = Case::new(backend.clone(), scenario);
        let answer = answer.clone();
        async move { case.await.work(injection, &answer).await }
    };
    let plan = Plan {
        title: scenario.title,
        extent,
        // Most of the time they wait for the floor.
        at_once: if scenario.floor_ms == "0" { 8 } else { 16 },
    };
    let matrix = fill(plan, calls, cell).await;
    matrix.unwrap()
}

/// The calls of the scenario, and its answer.
async fn without_failures(backend: &Backend, scenario: Scenario) -> (Vec<String>, String) {
    let case = Case::new(backend.clone(), scenario).await;
    case.world.proxy.inject(None);
    let answer = case.operation().await;
    let calls = case.world.proxy.calls();
    case.world.sweep_until_done().await.unwrap();
    case.assert_done().await;
    (calls, answer)
}

/// One account in a scenario.
struct Case {
    scenario: Scenario,
    world: World,
    username: String,
}

impl Case {
    async fn new(backend: Backend, scenario: Scenario) -> Self {
        let variables = [
            ("RESET_MODE", scenario.mode),
            ("RESPONSE_FLOOR_MS", scenario.floor_ms),
        ];
        let world = World::new(&backend, &variables).await.unwrap();
        let mut item = world.copy_of("jdoe").await.unwrap();
        if let Some(attempts) = scenario.failed_attempts {
            let over = Timestamp(world.now().0 - 1);
            let username = item["username"].as_s().unwrap().clone();
            let pending = Pending {
                username: &UsernameKey::new(&username),
                hash: &Secret::from("nobody knows its password".to_owned()),
                request_id: "failed",
                attempts,
                requested_at: over,
                expires_at: over,
                due_at: over,
                operator: None,
            };
            assert!(reserve(&pending, over).apply(&mut item));
        }
        if scenario.is_superseded {
            let old = Secret::from(item["password_hash"].as_s().unwrap().clone());
            let email = item["email"].as_s().unwrap().clone();
            assert!(set_password(&old, Some(&email), world.now()).apply(&mut item));
        }
        world.put(&item).await.unwrap();
        let username = item["username"].as_s().unwrap().clone();
        Self {
            scenario,
            world,
            username,
        }
    }

    /// Makes one call fail, checks all invariants, and returns the result.
    async fn work(&self, injection: Injection, answer: &str) -> String {
        let kills = injection.failure.kills();
        self.world.proxy.inject(Some(injection));
        let answered = self.world.run(self.operation()).await;
        match &answered {
            None => assert!(kills, "{injection:?}"),
            Some(_) if kills => panic!("{injection:?}: the process did not end"),
            // A sweep may report a failure, since no caller gets its answer.
            Some(_) if self.scenario.failed_attempts.is_some() => {}
            Some(answered) => assert_eq!(answered, answer, "{injection:?}"),
        }
        assert!(self.world.proxy.has_hit(), "{injection:?}");
        let _permit = work_permit().await;
        let before = self.state(injection).await;
        let mails_before = self.mails().len();
        let calls = self.world.proxy.calls();
        self.assert_mails(injection, &calls);

        self.world.sweep_until_done().await.unwrap();
        self.assert_done().await;
        let after = self.state(injection).await;
        self.assert_last_mail_is_true(injection).await;

        let states = if before == after {
            before.to_owned()
        } else {
            format!("{before} → {after}")
        };
        match (mails_before, self.mails().len()) {
            (before, after) if after > 1 => {
                format!("{states} ({before} + {} emails)", after - before)
            }
            _ => states,
        }
    }

    async fn operation(&self) -> String {
        if self.scenario.failed_attempts.is_some() {
            return format!("{:?}", self.world.sweep().await);
        }
        let response = self.world.send(&reset(&self.username)).await;
        format!(
            "{} {:?} {:?}",
            response.status(),
            response.headers(),
            response.body()
        )
    }

    fn mails(&self) -> Vec<Mail> {
        self.world.mails(&self.username)
    }

    async fn can_log_in(&self, password: &str) -> bool {
        self.world
            .can_log_in(&self.username, password)
            .await
            .unwrap()
    }

    /// The passwords known to the user that are valid. There is at least one.
    async fn state(&self, injection: Injection) -> &'static str {
        let mut new = false;
        for password in self.mails().iter().rev().filter_map(Mail::password) {
            new = new || self.can_log_in(password).await;
        }
        // If there is only one hash, one password is valid.
        let is_replaced = new && self.scenario.mode == "replace";
        let old = !is_replaced && self.can_log_in(OLD_PASSWORD).await;
        match (old, new) {
            (true, false) => "old",
            (true, true) => "old + new",
            (false, true) => "new",
            (false, false) => panic!("{injection:?}: no known password opens the account"),
        }
    }

    /// There is one email, unless it was uncertain whether SES accepted the first one.
    fn assert_mails(&self, injection: Injection, calls: &[String]) {
        let is_of_mail = calls
            .get(injection.call)
            .is_some_and(|call| call == "SendEmail");
        if !(is_of_mail && injection.failure.is_ambiguous()) {
            assert!(self.mails().len() <= 1, "{injection:?}");
        }
    }

    /// Nothing is pending, and every change has exactly one audit row.
    async fn assert_done(&self) {
        let item = self.world.item(&self.username).await.unwrap();
        assert!(PENDING.iter().all(|name| !item.contains_key(*name)));
        let gave_up = self.scenario.failed_attempts == Some(5);
        let has_changed = gave_up || self.mails().iter().any(|mail| mail.password().is_some());
        let rows = self.world.audit(&self.username).await.unwrap();
        assert_eq!(rows.len(), usize::from(has_changed), "{rows:?}");
    }

    async fn assert_last_mail_is_true(&self, injection: Injection) {
        let mails = self.mails();
        if self.scenario.is_superseded {
            let last = mails.last().expect("the email that says so");
            assert_eq!(last.password(), None, "{injection:?}");
        } else if let Some(mail) = mails.last() {
            assert!(
                self.can_log_in(mail.password().unwrap()).await,
                "{injection:?}"
            );
        }
    }
}
