//! Fault injection: every call of the operation fails in every possible way. The customer still
//! knows a valid password, and the administrator's password stays valid.
//!
//! `cargo test -p update-user-registration-password --test suite -- --nocapture faults` prints the
//! results.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http::StatusCode;
use local::ses::Mail;
use local::{Backend, Item, attribute};
use password::{Cost, ExposeSecret as _, Hasher, Salt, Secret};
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::users::protocol::{Pending, Promotion, promote, reserve};
use shared::users::{ResetMode, UsernameKey};
use testkit::faults::{Extent, Injection, Matrix, Plan, World, fill, work_permit};
use testkit::requests::set_password;

/// The password of every demo account.
const OLD_PASSWORD: &str = "p@55wOrd";
const NEW_PASSWORD: &str = "lamp-Sodium-4417";
/// The administrator's password in some scenarios.
const ADMINS_PASSWORD: &str = "pier-Cobalt-9021";
const PENDING: [&str; 3] = ["reset", "reset_queue", "reset_due_at"];

/// The login of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Login {
    /// The first login with a mailed password, by email address.
    FirstWithTemporary,
    /// A login with a password whose hash has old parameters.
    WithOldParameters,
    /// A login with a wrong password.
    Wrong,
    /// A login with the right password, but without the role.
    WithoutRole,
}

impl Login {
    fn title(self) -> &'static str {
        match self {
            Self::FirstWithTemporary => "first login with a mailed password; a reset is pending",
            Self::WithOldParameters => "login to an account whose hash has old parameters",
            Self::Wrong => "login with a wrong password",
            Self::WithoutRole => "login without the role",
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn some_known_password_works_whatever_fails() {
    let (temporary, old_parameters, wrong, without_role) = tokio::join!(
        matrix(Login::FirstWithTemporary),
        matrix(Login::WithOldParameters),
        matrix(Login::Wrong),
        matrix(Login::WithoutRole),
    );
    for matrix in [temporary, old_parameters, wrong, without_role] {
        println!("{matrix}");
        assert!(matrix.is_complete());
    }
}

async fn matrix(login: Login) -> Matrix {
    // The embedded DynamoDB makes one call at a time.
    let backend = testkit::backend().await;
    let cost = match login {
        Login::WithOldParameters => Cost::DEFAULT,
        _ => Cost::NEGLIGIBLE,
    };
    let hash = hash(ADMINS_PASSWORD, cost);
    let case = Case::new(backend.clone(), login, hash.clone()).await;
    case.world.proxy.inject(None);
    case.send().await;
    let calls = case.world.proxy.calls();
    let cell = |injection| {
        let case = Case::new(backend.clone(), login, hash.clone());
        async move { case.await.work(injection).await }
    };
    let plan = Plan {
        title: login.title(),
        extent: Extent::Whole,
        at_once: 8,
    };
    let matrix = fill(plan, calls, cell).await;
    matrix.unwrap()
}

fn hash(password: &str, cost: Cost) -> Secret {
    let salt = Salt::generate(&mut UnwrapErr(SysRng));
    Hasher::new(cost)
        .hash(&Secret::from(password.to_owned()), salt)
        .unwrap()
}

/// One administrator and one customer.
struct Case {
    login: Login,
    world: World,
    admin: String,
    customer: String,
}

impl Case {
    async fn new(backend: Backend, login: Login, admins_hash: Secret) -> Self {
        let world = World::new(&backend, &[("RESET_MODE", "dual")])
            .await
            .unwrap();
        let mut admin = world.copy_of("admin").await.unwrap();
        let mut customer = world.copy_of("jdoe").await.unwrap();
        match login {
            Login::FirstWithTemporary => {
                give_temporary(&mut admin, &admins_hash, world.now());
                let unknown = Secret::from("nobody knows its password".to_owned());
                leave_pending(&mut customer, &unknown, world.now());
            }
            Login::WithOldParameters | Login::Wrong | Login::WithoutRole => {
                let hash = attribute::text(admins_hash.expose_secret());
                admin.insert("password_hash".to_owned(), hash);
            }
        }
        if login == Login::WithoutRole {
            admin.remove("roles");
        }
        world.put(&admin).await.unwrap();
        world.put(&customer).await.unwrap();
        Self {
            login,
            world,
            admin: username(&admin),
            customer: username(&customer),
        }
    }

    async fn send(&self) -> (StatusCode, Value) {
        let (admin, customer) = (&self.admin, &self.customer);
        let credential = match self.login {
            Login::FirstWithTemporary => format!("{admin}@example.com:{ADMINS_PASSWORD}"),
            Login::WithOldParameters | Login::WithoutRole => format!("{admin}:{ADMINS_PASSWORD}"),
            Login::Wrong => format!("{admin}:wrong"),
        };
        let body = json!({
            "Email": format!("{customer}@example.com"),
            "NewPassword": NEW_PASSWORD,
            "SendResetEmail": true,
        });
        let response = self.world.send(&set_password(&credential, &body)).await;
        let body = serde_json::from_slice(response.body()).unwrap();
        (response.status(), body)
    }

    /// Makes one call fail, checks all invariants, and returns the result.
    async fn work(&self, injection: Injection) -> String {
        self.world.proxy.inject(Some(injection));
        let answer = self.world.run(self.send()).await;
        assert_eq!(answer.is_none(), injection.failure.kills(), "{injection:?}");
        assert!(self.world.proxy.has_hit(), "{injection:?}");
        let _permit = work_permit().await;
        let before = self.state(injection).await;
        if let Some((status, body)) = &answer {
            self.assert_answer(injection, *status, body, before);
        }
        self.assert_mails(injection);

        self.world.sweep_until_done().await.unwrap();
        self.assert_done(injection).await;
        let after = self.state(injection).await;

        let status =
            answer.map_or_else(|| "–".to_owned(), |(status, _)| status.as_u16().to_string());
        if before == after {
            format!("{status} {before}")
        } else {
            format!("{status} {before} → {after}")
        }
    }

    fn mails(&self) -> Vec<Mail> {
        self.world.mails(&self.customer)
    }

    async fn can_log_in(&self, password: &str) -> bool {
        self.world
            .can_log_in(&self.customer, password)
            .await
            .unwrap()
    }

    /// The passwords known to the customer that are valid, at least one. The administrator's own
    /// password is always valid.
    async fn state(&self, injection: Injection) -> &'static str {
        let admins = self.world.can_log_in(&self.admin, ADMINS_PASSWORD).await;
        assert!(
            admins.unwrap(),
            "{injection:?}: the administrator is locked out"
        );
        if self.can_log_in(NEW_PASSWORD).await {
            return "new";
        }
        let old = self.can_log_in(OLD_PASSWORD).await;
        assert!(old, "{injection:?}: no known password opens the account");
        let mails = self.mails();
        // A mailed password is valid in addition to the old one. Unless an administrator's password
        // replaced it, the email is correct.
        let mut mailed = mails.iter().rev().filter_map(Mail::password);
        match mailed.next() {
            Some(mailed) => {
                assert!(
                    self.can_log_in(mailed).await,
                    "{injection:?}: the last email lies"
                );
                "old + reset"
            }
            None => "old",
        }
    }

    fn assert_answer(&self, injection: Injection, status: StatusCode, body: &Value, state: &str) {
        if status != StatusCode::OK {
            assert!(status.is_client_error() || status.is_server_error());
            let code = body["ResponseStatus"]["ErrorCode"].as_str();
            assert!(code.is_some_and(|code| !code.is_empty()), "{body}");
            return;
        }
        assert!(!matches!(self.login, Login::Wrong | Login::WithoutRole));
        assert_eq!(state, "new", "{injection:?}");
        let is_sent = body["ResetEmailSent"].as_bool().unwrap();
        if is_sent {
            assert!(!self.mails().is_empty(), "{injection:?}");
        } else {
            assert!(self.is_of_mail(injection), "{injection:?}");
        }
    }

    fn is_of_mail(&self, injection: Injection) -> bool {
        let calls = self.world.proxy.calls();
        calls
            .get(injection.call)
            .is_some_and(|call| call == "SendEmail")
    }

    /// There is one email, unless it was uncertain whether SES accepted the first one.
    fn assert_mails(&self, injection: Injection) {
        if !(self.is_of_mail(injection) && injection.failure.is_ambiguous()) {
            assert!(self.mails().len() <= 1, "{injection:?}");
        }
    }

    /// Nothing is pending, and the change has exactly one audit row if it was made.
    async fn assert_done(&self, injection: Injection) {
        let item = self.world.item(&self.customer).await.unwrap();
        assert!(PENDING.iter().all(|name| !item.contains_key(*name)));
        let rows = self.world.audit(&self.customer).await.unwrap();
        let is_set = |row: &&Item| row["event"].as_s().unwrap() == "password.set";
        let is_new = self.can_log_in(NEW_PASSWORD).await;
        let times = rows.iter().filter(is_set).count();
        assert_eq!(times, usize::from(is_new), "{injection:?}");
    }
}

/// Adds a due reset whose email was not accepted.
fn leave_pending(item: &mut Item, hash: &Secret, now: Timestamp) {
    let over = Timestamp(now.0 - 1);
    let username = item["username"].as_s().unwrap().clone();
    let pending = Pending {
        username: &UsernameKey::new(&username),
        hash,
        request_id: "failed",
        attempts: 1,
        requested_at: over,
        expires_at: over,
        due_at: over,
        operator: None,
    };
    assert!(reserve(&pending, over).apply(item));
}

/// Adds a temporary password.
fn give_temporary(item: &mut Item, hash: &Secret, now: Timestamp) {
    leave_pending(item, hash, now);
    let promotion = Promotion {
        hash,
        request_id: "failed",
        at: now,
        password_expires_at: now.plus_seconds(86_400),
    };
    assert!(promote(&promotion, ResetMode::Dual).apply(item));
}

fn username(item: &Item) -> String {
    item["username"].as_s().unwrap().clone()
}
