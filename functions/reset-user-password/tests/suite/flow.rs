//! The operation from the request to the email, on a real DynamoDB API and a real SES API.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::{Request, Response, StatusCode};
use local::Item;
use serde_json::Value;
use testkit::item::{disable, number, text};
use testkit::requests::{
    ASMX as SERVICE, reset, reset_by_every_binding as every_binding, reset_soap as soap,
};
use testkit::{Sandbox, with_default_cost};

const OLD_PASSWORD: &str = "p@55wOrd";
pub(crate) const ANSWER: &str =
    "If the username is on file, a new password has been sent to its e-mail address.";

/// A change to an account.
type Change = fn(&mut Item);

fn verifies(item: &Item, password: &str) -> bool {
    testkit::item::verifies(text(item, "password_hash"), password)
}

pub(crate) fn assert_answer(response: &Response<Bytes>) {
    assert_eq!(response.status(), StatusCode::OK);
    assert!(String::from_utf8_lossy(response.body()).contains(ANSWER));
}

#[tokio::test]
async fn the_mailed_password_replaces_the_old_one_with_every_binding() {
    for request in every_binding("JDoe") {
        let sandbox = Sandbox::start(&with_default_cost(&[])).await.unwrap();
        let before = sandbox.user("jdoe").await.unwrap();
        assert!(verifies(&before, OLD_PASSWORD));

        assert_answer(&sandbox.send(&request).await);

        let mails = sandbox.backend.outbox.mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, ["a@example.com"]);
        assert_eq!(mails[0].from, "Brand Flood Watch <no-reply@brand.example>");
        assert!(mails[0].html.contains(mails[0].password().unwrap()));
        let after = sandbox.user("jdoe").await.unwrap();
        assert!(verifies(&after, mails[0].password().unwrap()));
        assert!(!verifies(&after, OLD_PASSWORD));
        assert!(text(&after, "password_hash").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
}

#[tokio::test]
async fn a_reset_leaves_an_expiring_password_and_an_audit_row() {
    let sandbox = Sandbox::start(&[("TEMPORARY_PASSWORD_HOURS", "2")])
        .await
        .unwrap();
    sandbox.send(&reset("jdoe")).await;

    let user = sandbox.user("jdoe").await.unwrap();
    let changed_at = number(&user, "password_changed_at");
    assert_eq!(user["must_change_password"].as_bool(), Ok(&true));
    assert_eq!(number(&user, "password_expires_at"), changed_at + 2 * 3600);
    assert_eq!(number(&user, "sessions_valid_after"), changed_at);
    assert_eq!(number(&user, "version"), 2);
    for attribute in ["reset", "reset_queue", "reset_due_at"] {
        assert!(!user.contains_key(attribute), "{attribute}");
    }

    let audit = sandbox.audit("jdoe").await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(text(&audit[0], "event"), "password.reset");
    assert_eq!(text(&audit[0], "source"), "192.0.2.1");
    let row = format!("#{}#password.reset", text(&audit[0], "request_id"));
    assert!(text(&audit[0], "at").ends_with(&row));
    assert_eq!(number(&audit[0], "expires_at"), changed_at + 400 * 86_400);
}

#[tokio::test]
async fn the_configured_cost_is_used() {
    let cost = [("ARGON2_MEMORY_KIB", "12288"), ("ARGON2_ITERATIONS", "3")];
    let sandbox = Sandbox::start(&cost).await.unwrap();
    sandbox.send(&reset("jdoe")).await;
    let user = sandbox.user("jdoe").await.unwrap();
    assert!(text(&user, "password_hash").starts_with("$argon2id$v=19$m=12288,t=3,p=1$"));
}

/// The answer is the same for every name, byte for byte.
#[tokio::test]
async fn answers_do_not_reveal_which_accounts_exist() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let without_address = |item: &mut Item| {
        item.remove("email");
        item.remove("email_key");
    };
    let accounts: [(&str, Change); 3] = [
        ("disabled-1", disable),
        ("homeless-2", without_address),
        ("known-3", |_| {}),
    ];
    for (username, change) in accounts {
        let copied = sandbox.copy_user("jdoe", username, change).await;
        copied.unwrap();
    }
    let unknown = answers(&sandbox, "nobody-4").await;
    for username in [
        "disabled-1",
        "homeless-2",
        &"x".repeat(2_000),
        "%20%20",
        "a%00b",
        "%C3%A9",
    ] {
        assert_eq!(
            answers(&sandbox, username).await[..2],
            unknown[..2],
            "{username}"
        );
    }
    assert_eq!(answers(&sandbox, "disabled-1").await, unknown);
    assert_eq!(answers(&sandbox, "homeless-2").await, unknown);
    assert!(sandbox.backend.outbox.mails().is_empty());
    assert_eq!(answers(&sandbox, "known-3").await, unknown);
    assert!(!sandbox.backend.outbox.mails().is_empty());
}

async fn answers(sandbox: &Sandbox, username: &str) -> Vec<String> {
    let mut answers = Vec::new();
    for request in every_binding(username) {
        let response = sandbox.send(&request).await;
        answers.push(format!(
            "{} {:?} {:?}",
            response.status(),
            response.headers(),
            response.body()
        ));
    }
    answers
}

#[tokio::test]
async fn a_mail_that_is_not_accepted_keeps_the_old_password() {
    for error in [
        "MessageRejected",
        "TooManyRequestsException",
        "AccountSuspendedException",
    ] {
        let sandbox = Sandbox::start(&[]).await.unwrap();
        sandbox.backend.outbox.refuse(Some(error));
        assert_answer(&sandbox.send(&reset("jdoe")).await);

        let user = sandbox.user("jdoe").await.unwrap();
        assert!(verifies(&user, OLD_PASSWORD));
        assert!(!user.contains_key("must_change_password"));
        assert_eq!(text(&user, "reset_queue"), "pending#03");
        assert!(user.contains_key("reset_due_at"));
        assert!(sandbox.backend.outbox.mails().is_empty());
        assert!(sandbox.audit("jdoe").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn two_resets_at_once_send_one_mail_with_the_password_that_works() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    // The second request arrives while the first one's email is being sent.
    sandbox.backend.outbox.delay(Duration::from_millis(500));
    let (one, other) = (reset("jdoe"), reset("jdoe"));
    let (one, other) = tokio::join!(sandbox.send(&one), sandbox.send(&other));
    assert_answer(&one);
    assert_answer(&other);
    let mails = sandbox.backend.outbox.mails();
    assert_eq!(mails.len(), 1);
    let user = sandbox.user("jdoe").await.unwrap();
    assert!(verifies(&user, mails[0].password().unwrap()));
    assert_eq!(sandbox.audit("jdoe").await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_dynamodb_the_answer_is_the_same() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let lost = Sandbox::on(sandbox.backend, &[("USERS_TABLE", "no-such-table")]).unwrap();
    assert_answer(&lost.send(&reset("jdoe")).await);
    assert!(lost.backend.outbox.mails().is_empty());
}

#[tokio::test]
async fn a_missing_name_is_the_callers_error() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (request, part) in every_binding("").into_iter().zip([
        "username is required.\r\n",
        "username is required.\r\n",
        "<faultcode>soap:Client</faultcode><faultstring>username is required.</faultstring>",
        "<soap:Value>soap:Sender</soap:Value>",
    ]) {
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(String::from_utf8_lossy(response.body()).contains(part));
    }
}

#[tokio::test]
async fn no_answer_comes_before_the_floor() {
    let sandbox = Sandbox::start(&[("RESPONSE_FLOOR_MS", "400")])
        .await
        .unwrap();
    for username in ["jdoe", "nobody-4"] {
        let began = Instant::now();
        sandbox.send(&reset(username)).await;
        assert!(began.elapsed().as_millis() >= 400, "{username}");
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_in_every_protocol() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let [_, post, soap11, soap12] = every_binding("nobody");
    for (request, filling, part) in [
        (post, "x", "Maximum request length exceeded.\r\n"),
        (soap11, " ", "<faultcode>soap:Server</faultcode>"),
        (soap12, " ", "<soap:Value>soap:Receiver</soap:Value>"),
    ] {
        let filled = |length: usize| {
            let filling = filling.repeat(length - request.body().len());
            let body = [request.body(), filling.as_bytes()].concat();
            request.clone().map(|_| body.into())
        };
        let longest = sandbox.send(&filled(256 * 1024)).await;
        assert_eq!(longest.status(), StatusCode::OK, "{part}");
        let request = filled(256 * 1024 + 1);
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = String::from_utf8_lossy(response.body());
        assert!(
            body.contains(part) && body.contains("Maximum request length exceeded."),
            "{body}"
        );
    }
}

#[tokio::test]
async fn other_verbs_are_told_which_are_allowed() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for path in [
        SERVICE.to_owned(),
        format!("{SERVICE}/ResetUserPassword?username=jdoe"),
    ] {
        for verb in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let request = Request::builder()
                .method(verb)
                .uri(&path)
                .body(Bytes::new())
                .unwrap();
            let response = sandbox.send(&request).await;
            assert_eq!(
                response.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{verb} {path}"
            );
            assert_eq!(response.headers()["allow"], "GET, POST");
        }
    }
    assert!(sandbox.backend.outbox.mails().is_empty());
}

#[tokio::test]
async fn documents_name_the_address_the_caller_used() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let request = |query: &str| {
        Request::get(format!("{SERVICE}?{query}"))
            .header("host", "soap.example.com:8080")
            .body(Bytes::new())
            .unwrap()
    };
    let url = "http://soap.example.com:8080/webservices/IFCommonService.asmx";
    for (query, times) in [("WSDL", 4), ("wsdl", 4), ("disco", 4)] {
        let response = sandbox.send(&request(query)).await;
        assert_eq!(
            response.headers()["content-type"],
            "text/xml; charset=utf-8"
        );
        let body = String::from_utf8_lossy(response.body());
        assert_eq!(body.matches(url).count(), times, "{query}");
        assert!(!body.contains("{{"), "{query}");
        assert!(body.contains("\r\n"), "{query}");
    }
}

#[tokio::test]
async fn disabled_protocols_are_not_answered() {
    let sandbox = Sandbox::start(&[("ASMX_PROTOCOLS", "Soap")]).await.unwrap();
    let [get, post, soap11, soap12] = every_binding("jdoe");
    for request in [get, post] {
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = String::from_utf8_lossy(response.body());
        assert!(
            body.contains("unexpectedly ending in '/ResetUserPassword'."),
            "{body}"
        );
    }
    let pages = Request::get(SERVICE).body(Bytes::new()).unwrap();
    assert_eq!(
        sandbox.send(&pages).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );

    assert_eq!(
        sandbox.send(&soap12).await.status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let as_text = soap(
        "text/xml",
        "http://www.w3.org/2003/05/soap-envelope",
        "jdoe",
    );
    let body = sandbox.send(&as_text).await.into_body();
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("soap:VersionMismatch") && !body.contains("soap12:Envelope\""),
        "{body}"
    );
    assert!(sandbox.backend.outbox.mails().is_empty());
    assert_answer(&sandbox.send(&soap11).await);

    let soap12_only = Sandbox::start(&[("ASMX_PROTOCOLS", "Soap12")])
        .await
        .unwrap();
    assert_answer(&soap12_only.send(&soap12).await);
    let body = soap12_only.send(&soap11).await.into_body();
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("soap:VersionMismatch") && !body.contains("\"soap:Envelope\""),
        "{body}"
    );
}

#[tokio::test]
async fn an_answer_names_no_server() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let page = Request::get(SERVICE).body(Bytes::new()).unwrap();
    for request in [reset("jdoe"), reset(""), page] {
        let response = sandbox.send(&request).await;
        for name in ["server", "x-powered-by", "x-aspnet-version"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
    }
}

/// The log line of a request and its metrics report the same binding.
#[tokio::test]
async fn a_request_is_logged_with_its_binding() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for request in every_binding("jdoe") {
        sandbox.send(&request).await;
    }
    let log = sandbox.logged();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let bindings = lines.filter_map(|line: Value| Some(line["binding"].as_str()?.to_owned()));
    let bindings: Vec<_> = bindings.collect();
    assert_eq!(bindings, ["HttpGet", "HttpPost", "Soap11", "Soap12"]);
}
