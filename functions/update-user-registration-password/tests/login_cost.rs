//! A failed login costs the same hashes whether the name is on file or not: the hash is what takes
//! the time.
//!
//! Counted by the CPU time of the process, which is why this test has a process of its own. It is
//! read from Linux's `/proc`.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking, and counts in small numbers"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http::{Request, StatusCode};
use local::Sandbox;
use shared::password::{Cost, ExposeSecret as _, Hasher, Salt, Secret};

/// SHA-1 once: far cheaper than Argon2.
const IMPORTED: &str =
    "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$8Bt4t/PN+I7cSmB0CxoXGgWi7ak=";
/// So much that all else a request does is little beside it.
const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 20;
/// Whatever else the machine does can only add to a cost: the least of so many counts.
const ROUNDS: usize = 3;

/// The CPU time of this process, in the clock's ticks: fields 14 and 15 of proc(5)'s `stat`.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program, in parentheses, may contain spaces.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |number: usize| fields.get(number - 3).unwrap().parse::<u64>().unwrap();
    field(14) + field(15)
}

fn login(credential: &str) -> Request<Bytes> {
    let credential = BASE64_STANDARD.encode(credential);
    Request::post("/UpdateUserRegistrationPassword")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("Basic {credential}"))
        .body("Email=a@example.com&NewPassword=lamp-Sodium-4417".into())
        .unwrap()
}

/// Administrators in every state that cannot log in with "wrong".
async fn register(sandbox: &Sandbox, hash: &Secret) {
    let changes = [
        ("enabled", None),
        ("disabled", Some(("disabled", AttributeValue::Bool(true)))),
        (
            "expired",
            Some(("password_expires_at", AttributeValue::N("1".to_owned()))),
        ),
        ("without", None),
        (
            "imported",
            Some(("password_hash", AttributeValue::S(IMPORTED.to_owned()))),
        ),
    ];
    for (username, change) in changes {
        let mut item = sandbox.user("admin").await.unwrap();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        item.insert("username".to_owned(), text(username));
        item.insert("password_hash".to_owned(), text(hash.expose_secret()));
        if let Some((name, value)) = change {
            item.insert(name.to_owned(), value);
        }
        if username == "without" {
            item.remove("password_hash");
        }
        sandbox.put_user(item).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_login_takes_the_same_hashes_for_every_name() {
    let hasher = Hasher::new(Cost::new(MEMORY_KIB, ITERATIONS).unwrap());
    let salt = Salt::generate(&mut UnwrapErr(SysRng));
    let mut hash = None;
    let mut one_hash = u64::MAX;
    for _ in 0..ROUNDS {
        let before = ticks();
        hash = Some(hasher.hash(&Secret::from("right"), salt).unwrap());
        one_hash = one_hash.min(ticks() - before);
    }
    let hash = hash.unwrap();

    let (memory, iterations) = (MEMORY_KIB.to_string(), ITERATIONS.to_string());
    // Beside the old password there may be a temporary one: always two hashes.
    for (mode, hashes) in [("replace", 1.0), ("dual", 2.0)] {
        let sandbox = Sandbox::start(&[
            ("ARGON2_MEMORY_KIB", &memory),
            ("ARGON2_ITERATIONS", &iterations),
            ("RESET_MODE", mode),
        ])
        .await
        .unwrap();
        register(&sandbox, &hash).await;
        for username in [
            "nobody", "enabled", "disabled", "expired", "without", "imported",
        ] {
            let request = login(&format!("{username}:wrong"));
            let mut cost = u64::MAX;
            for _ in 0..ROUNDS {
                let before = ticks();
                let response = sandbox.send(&request).await;
                cost = cost.min(ticks() - before);
                assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            }
            let cost = cost as f64 / one_hash as f64;
            println!("{mode:<8} {username:<9} {cost:.2} hashes");
            assert!((cost - hashes).abs() < 0.5, "{mode} {username} {cost}");
        }
    }
}
