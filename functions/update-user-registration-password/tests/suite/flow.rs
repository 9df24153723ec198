//! The operation from the request to the email, on a real DynamoDB API and a real SES API.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Bytes;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http::{Request, StatusCode};
use local::{Item, attribute};
use password::{Cost, ExposeSecret as _, Hasher, Salt, Secret};
use serde_json::{Value, json};
use testkit::item::text;
use testkit::requests::set_password;
use testkit::{Sandbox, with_default_cost};

const OLD_PASSWORD: &str = "p@55wOrd";
const NEW_PASSWORD: &str = "lamp-Sodium-4417";

async fn send(sandbox: &Sandbox, login: &str, body: &Value) -> (StatusCode, Value) {
    let response = sandbox.send(&set_password(login, body)).await;
    (
        response.status(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

fn change(email: &str, password: &str) -> Value {
    json!({ "Email": email, "NewPassword": password, "SendResetEmail": true, "Requester": "portal" })
}

const ADMIN: &str = "admin:p@55wOrd";

fn verifies(item: &Item, password: &str) -> bool {
    testkit::item::verifies(text(item, "password_hash"), password)
}

fn error_code(body: &Value) -> &str {
    body["ResponseStatus"]["ErrorCode"]
        .as_str()
        .unwrap_or_default()
}

#[tokio::test]
async fn the_new_password_replaces_the_old_one() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let body = change("A@Example.com", NEW_PASSWORD);
    let (status, body) = send(&sandbox, ADMIN, &body).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body,
        json!({ "Id": 42, "DisplayName": "Jane Doe", "ResetEmailSent": true })
    );

    let user = sandbox.user("jdoe").await.unwrap();
    assert!(verifies(&user, NEW_PASSWORD));
    assert!(!verifies(&user, OLD_PASSWORD));
    assert_eq!(user["version"].as_n().unwrap(), "2");

    let mails = sandbox.backend.outbox.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "Login Updated");
    assert_eq!(mails[0].to, ["a@example.com"]);
    assert!(!mails[0].text.contains(NEW_PASSWORD) && !mails[0].html.contains(NEW_PASSWORD));

    let audit = sandbox.audit("jdoe").await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(text(&audit[0], "event"), "password.set");
    assert_eq!(text(&audit[0], "actor"), "admin");
    assert_eq!(text(&audit[0], "requester"), "portal");
}

/// An administrator's password invalidates mailed passwords and pending resets.
#[tokio::test]
async fn mailed_passwords_become_invalid() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut item = sandbox.user("jdoe").await.unwrap();
    let hash = attribute::text("x");
    let map = AttributeValue::M([("hash".to_owned(), hash)].into());
    for (name, value) in [
        ("temporary", map),
        ("must_change_password", AttributeValue::Bool(true)),
        ("password_expires_at", attribute::number(1)),
    ] {
        item.insert(name.to_owned(), value);
    }
    sandbox.put_user(item.clone()).await.unwrap();

    let (status, _) = send(&sandbox, ADMIN, &change("a@example.com", NEW_PASSWORD)).await;
    assert_eq!(status, StatusCode::OK);
    let user = sandbox.user("jdoe").await.unwrap();
    for name in ["temporary", "must_change_password", "password_expires_at"] {
        assert!(!user.contains_key(name), "{name}");
    }
    assert_eq!(user["reset_superseded"].as_bool(), Ok(&true));
    assert!(verifies(&user, NEW_PASSWORD));
}

#[tokio::test]
async fn a_mail_is_sent_only_if_requested_and_its_failure_undoes_nothing() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut quiet = change("a@example.com", NEW_PASSWORD);
    quiet["SendResetEmail"] = false.into();
    let (_, body) = send(&sandbox, ADMIN, &quiet).await;
    assert_eq!(body["ResetEmailSent"], false);
    assert!(sandbox.backend.outbox.mails().is_empty());

    sandbox.backend.outbox.refuse(Some("MessageRejected"));
    let (status, body) = send(
        &sandbox,
        ADMIN,
        &change("a@example.com", "another-Sodium-4417"),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["ResetEmailSent"], false);
    assert!(verifies(
        &sandbox.user("jdoe").await.unwrap(),
        "another-Sodium-4417"
    ));
}

/// The answer only depends on the caller's request, not on the configuration.
#[tokio::test]
async fn a_mail_is_always_sent_if_configured() {
    let sandbox = Sandbox::start(&[("NOTIFY_PASSWORD_SET", "always")]);
    let sandbox = sandbox.await.unwrap();
    for is_asked in [false, true] {
        let mut change = change("a@example.com", NEW_PASSWORD);
        change["SendResetEmail"] = is_asked.into();
        let (_, body) = send(&sandbox, ADMIN, &change).await;
        assert_eq!(body["ResetEmailSent"], is_asked);
        let mails = sandbox.backend.outbox.mails();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].subject, "Login Updated");
        sandbox.backend.outbox.clear();
    }
}

#[tokio::test]
async fn callers_who_cannot_log_in_change_nothing() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let admin = sandbox.user("admin").await.unwrap();
    let account = |name: &str, attribute: &str, value: AttributeValue| {
        let mut item = admin.clone();
        item.insert("username".to_owned(), attribute::text(name));
        item.insert(
            "email_key".to_owned(),
            attribute::text(&format!("{name}@x.com")),
        );
        item.insert(attribute.to_owned(), value);
        item
    };
    let past = attribute::number(1);
    for item in [
        account("disabled", "disabled", AttributeValue::Bool(true)),
        account("expired", "password_expires_at", past),
    ] {
        sandbox.put_user(item).await.unwrap();
    }
    let input = change("a@example.com", NEW_PASSWORD);
    for login in [
        "admin:wr0ng",
        "nobody:p@55wOrd",
        "disabled:p@55wOrd",
        "expired:p@55wOrd",
        "nobody@pumpalarm.com:p@55wOrd",
    ] {
        let (status, body) = send(&sandbox, login, &input).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{login}");
        assert_eq!(
            body,
            json!({ "ResponseStatus": {
                "ErrorCode": "Unauthorized", "Message": "Invalid UserName or Password"
            } }),
            "{login}"
        );
    }
    let (status, body) = send(&sandbox, "bob:p@55wOrd", &input).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(error_code(&body), "Invalid Role");
    assert!(verifies(&sandbox.user("jdoe").await.unwrap(), OLD_PASSWORD));
    assert!(sandbox.backend.outbox.mails().is_empty());
}

/// The answer comes before the body is read, in the response DTO, which is the only root that the
/// old client reads.
#[tokio::test]
async fn a_request_without_a_credential_is_asked_for_one() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for authorization in [None, Some("Bearer x"), Some("Basic YWRtaW46")] {
        let mut request = Request::post("/xml/reply/UpdateUserRegistrationPasswordRequest");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let response = sandbox
            .send(&request.body(Bytes::from("<malformed")).unwrap())
            .await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            response.headers()["www-authenticate"],
            "basic realm=\"/auth/basic\""
        );
        let body = String::from_utf8_lossy(response.body());
        assert!(
            body.contains("<UpdateUserRegistrationPasswordResponse "),
            "{body}"
        );
        assert!(
            body.contains("<d2p1:ErrorCode>Unauthorized</d2p1:ErrorCode>"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_credential_that_cannot_be_parsed_is_a_bad_request() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (authorization, code) in [
        ("Basic !!", "FormatException"),
        ("Basic", "ArgumentOutOfRangeException"),
        ("Basic YWRtaW4=", "ArgumentOutOfRangeException"),
    ] {
        let mut request = set_password(ADMIN, &change("a@example.com", NEW_PASSWORD));
        let authorization = authorization.parse().unwrap();
        request.headers_mut().insert("authorization", authorization);
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(error_code(&body), code);
        assert!(body["ResponseStatus"].get("Errors").is_none());
    }
}

#[tokio::test]
async fn administrators_log_in_by_name_or_address() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let input = change("a@example.com", NEW_PASSWORD);
    for login in ["ADMIN:p@55wOrd", "Admin@PumpAlarm.com:p@55wOrd"] {
        let (status, _) = send(&sandbox, login, &input).await;
        assert_eq!(status, StatusCode::OK, "{login}");
    }
}

/// Stores `hash` for an administrator, who then logs in with the old password.
async fn log_in_with_hash(sandbox: &Sandbox, hash: &str) {
    let mut admin = sandbox.user("admin").await.unwrap();
    let hash = AttributeValue::S(hash.to_owned());
    admin.insert("password_hash".to_owned(), hash);
    sandbox.put_user(admin).await.unwrap();

    let (status, _) = send(sandbox, ADMIN, &change("a@example.com", NEW_PASSWORD)).await;
    assert_eq!(status, StatusCode::OK);
    let admin = sandbox.user("admin").await.unwrap();
    assert!(text(&admin, "password_hash").starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(verifies(&admin, OLD_PASSWORD));
}

#[tokio::test]
async fn a_login_renews_a_hash_with_other_parameters() {
    let sandbox = Sandbox::start(&with_default_cost(&[])).await.unwrap();
    let old = Hasher::new(Cost::new(12_288, 3).unwrap());
    let mut rng = UnwrapErr(SysRng);
    let hash = old
        .hash(
            &Secret::from(OLD_PASSWORD.to_owned()),
            Salt::generate(&mut rng),
        )
        .unwrap();
    log_in_with_hash(&sandbox, hash.expose_secret()).await;
}

/// Made with Python's `hashlib`, `hmac` and `bcrypt`.
#[tokio::test]
async fn a_login_replaces_an_imported_hash_with_argon2() {
    let sandbox = Sandbox::start(&with_default_cost(&[])).await.unwrap();
    for imported in [
        "$aspnet-membership-sha1$AAECAwQFBgcICQoLDA0ODw==$ix4wy9w3efA2DY1KLaAJ1brCkxQ=",
        "$aspnet-membership-hmacsha256$AAECAwQFBgcICQoLDA0ODw==$9UIK8yRgYaGB2u4wrdD60/tOj9kL8tRygjVPCHcFPm8=",
        "$aspnet-identity$AAABAgMEBQYHCAkKCwwNDg/mZNfR+a/gbz/I2clgXPd1OMoU2w3x7fz0cft9kQfTdg==",
        "$servicestack-sha256$3q2+7w==$fdZQ2jh58up+y51dvfOkHFXwY7kHvPHDqS5PLXGEKUE=",
        "$2b$04$abcdefghijklmnopqrstuu8dQ8YbC9HauCDzEO5GAzPqGNjgI72vW",
    ] {
        log_in_with_hash(&sandbox, imported).await;
    }
}

/// A customer's address must not lock the administrator of that name out.
#[tokio::test]
async fn an_exact_user_name_takes_precedence_over_an_address() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut boss = sandbox.user("admin").await.unwrap();
    for name in ["username", "display_username"] {
        boss.insert(name.to_owned(), attribute::text("boss@example.com"));
    }
    boss.insert("email_key".to_owned(), attribute::text("other@example.com"));
    sandbox.put_user(boss).await.unwrap();
    let address = [
        ("email", "boss@example.com"),
        ("email_key", "boss@example.com"),
    ];
    sandbox.change_user("bob", &address).await.unwrap();
    let input = change("a@example.com", NEW_PASSWORD);
    let (status, _) = send(&sandbox, "Boss@example.com:p@55wOrd", &input).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_domain_in_any_spelling_finds_the_customer() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let punycode = "a@xn--exmple-cua.de";
    let address = [("email", punycode), ("email_key", punycode)];
    sandbox.change_user("jdoe", &address).await.unwrap();
    for typed in ["a@EXÄMPLE.de", "a@xn--exmple-cua.de"] {
        let (status, body) = send(&sandbox, ADMIN, &change(typed, NEW_PASSWORD)).await;
        assert_eq!(status, StatusCode::OK, "{typed}: {body}");
    }
    let mails = sandbox.backend.outbox.mails();
    assert_eq!(mails[0].to, [punycode]);
}

#[tokio::test]
async fn a_password_needs_a_visible_character() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for invisible in ["\u{200b}", "\u{2800}", "\u{0}"] {
        let input = change("a@example.com", &invisible.repeat(8));
        let (status, body) = send(&sandbox, ADMIN, &input).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{invisible:?}: {body}");
    }
}

/// An administrator may prepare an account. Logins are refused until `accounts enable`.
#[tokio::test]
async fn the_password_of_a_disabled_account_can_be_set_but_not_used() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut item = sandbox.user("jdoe").await.unwrap();
    item.insert("disabled".to_owned(), AttributeValue::Bool(true));
    item.insert(
        "roles".to_owned(),
        AttributeValue::Ss(vec!["Admin".to_owned()]),
    );
    sandbox.put_user(item).await.unwrap();
    let (status, body) = send(&sandbox, ADMIN, &change("a@example.com", NEW_PASSWORD)).await;
    assert_eq!(
        (status, &body["ResetEmailSent"]),
        (StatusCode::OK, &json!(true))
    );
    assert!(verifies(&sandbox.user("jdoe").await.unwrap(), NEW_PASSWORD));
    let login = format!("jdoe:{NEW_PASSWORD}");
    let (status, _) = send(&sandbox, &login, &change("a@example.com", NEW_PASSWORD)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_unknown_address_is_not_found() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let (status, body) = send(&sandbox, ADMIN, &change("nobody@example.com", NEW_PASSWORD)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(error_code(&body), "NotFound");
}

#[tokio::test]
async fn the_brand_selects_one_of_several_customers() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let with_brand = |brand: &str| {
        let mut input = change("a@example.com", NEW_PASSWORD);
        input["CustomerBrandName"] = brand.into();
        input
    };
    let (status, _) = send(&sandbox, ADMIN, &with_brand("No Such Brand")).await;
    assert_eq!(status, StatusCode::OK);

    let mut other = sandbox.user("jdoe").await.unwrap();
    for (name, value) in [
        ("username", "jdoe2"),
        ("brand", "other"),
        ("display_name", "Other"),
    ] {
        other.insert(name.to_owned(), attribute::text(value));
    }
    sandbox.put_user(other).await.unwrap();
    let (status, body) = send(&sandbox, ADMIN, &with_brand(" OTHER")).await;
    assert_eq!(
        (status, &body["DisplayName"]),
        (StatusCode::OK, &json!("Other"))
    );
    let (status, body) = send(&sandbox, ADMIN, &with_brand("brand")).await;
    assert_eq!(
        (status, &body["DisplayName"]),
        (StatusCode::OK, &json!("Jane Doe"))
    );
    for brand in ["No Such Brand", ""] {
        let (status, body) = send(&sandbox, ADMIN, &with_brand(brand)).await;
        assert_eq!(
            (status, error_code(&body)),
            (StatusCode::CONFLICT, "Conflict"),
            "{brand}"
        );
    }
}

#[tokio::test]
async fn weak_passwords_are_refused_with_a_reason() {
    let sandbox = Sandbox::start(&[("PASSWORD_MIN_LENGTH", "10")])
        .await
        .unwrap();
    for (password, code) in [
        ("", "NotEmpty"),
        ("          ", "NotEmpty"),
        ("shortpass", "Length"),
        (&"x".repeat(129), "Length"),
        ("Basketball", "Predicate"),
        ("A@EXAMPLE.COM", "Predicate"),
        ("brand flood watch", "Predicate"),
    ] {
        let (status, body) = send(&sandbox, ADMIN, &change("a@example.com", password)).await;
        assert_eq!(
            (status, error_code(&body)),
            (StatusCode::BAD_REQUEST, code),
            "{password}"
        );
        let error = &body["ResponseStatus"]["Errors"][0];
        assert_eq!(error["FieldName"], "NewPassword");
        assert!(
            error["Message"]
                .as_str()
                .unwrap()
                .starts_with("'New Password' ")
        );
    }
    assert!(verifies(&sandbox.user("jdoe").await.unwrap(), OLD_PASSWORD));
    // Code points are counted instead of bytes.
    let (status, _) = send(&sandbox, ADMIN, &change("a@example.com", &"é😀".repeat(5))).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn without_dynamodb_the_service_says_so() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let lost = Sandbox::on(sandbox.backend, &[("USERS_TABLE", "no-such-table")]).unwrap();
    let (status, body) = send(&lost, ADMIN, &change("a@example.com", NEW_PASSWORD)).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body.to_string().contains("no-such-table"));
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let request = set_password(ADMIN, &change("a@example.com", "lamp-Sodium-4417"));
    for (length, expected) in [
        (256 * 1024, StatusCode::OK),
        (256 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let filling = " ".repeat(length - request.body().len());
        let body = [request.body(), filling.as_bytes()].concat();
        let response = sandbox.send(&request.clone().map(|_| body.into())).await;
        assert_eq!(response.status(), expected, "{length}");
        let is_refused = String::from_utf8_lossy(response.body()).contains("RequestEntityTooLarge");
        assert_eq!(is_refused, expected != StatusCode::OK);
    }
}

#[tokio::test]
async fn predefined_routes_take_only_post() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for verb in ["GET", "PUT", "DELETE"] {
        let uri = "/json/reply/UpdateUserRegistrationPasswordRequest?Email=a@example.com";
        let request = Request::builder()
            .method(verb)
            .uri(uri)
            .body(Bytes::new())
            .unwrap();
        let response = sandbox.send(&request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{verb}");
        assert_eq!(response.headers()["allow"], "POST");
    }
}

#[tokio::test]
async fn current_clients_get_camel_case_names() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut request = set_password(ADMIN, &change("a@example.com", "short"));
    *request.uri_mut() = "/api/UpdateUserRegistrationPasswordRequest?jsconfig=eccn"
        .parse()
        .unwrap();
    let response = sandbox.send(&request).await;
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let error = &body["responseStatus"]["errors"][0];
    assert_eq!(error["fieldName"], "NewPassword");
    assert_eq!(error["meta"]["PropertyName"], "New Password");
}

#[tokio::test]
async fn the_service_describes_itself() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let get = async |uri: &str| {
        let request = Request::get(uri).header("host", "regapi.example.com");
        sandbox.send(&request.body(Bytes::new()).unwrap()).await
    };
    let root = get("/").await;
    assert_eq!(root.status(), StatusCode::FOUND);
    assert_eq!(
        root.headers()["location"],
        "http://regapi.example.com/metadata"
    );

    let list = get("/metadata").await;
    assert_eq!(list.headers()["content-type"], "text/html; charset=utf-8");
    let list = String::from_utf8_lossy(list.body()).into_owned();
    let operation = "UpdateUserRegistrationPasswordRequest";
    for format in ["xml", "json", "jsv", "csv"] {
        let uri = format!("/{format}/metadata?op={operation}");
        assert!(list.contains(&uri), "{uri}");
        let page = get(&uri).await;
        assert!(page.headers().contains_key("content-security-policy"));
        let page = String::from_utf8_lossy(page.body()).into_owned();
        for part in [
            "Required roles:",
            "/UpdateUserRegistrationPassword</td>",
            "CustomerBrandName</th>",
            "ResetEmailSent</th>",
            &format!("POST /{format}/reply/{operation} HTTP/1.1"),
            "Host: regapi.example.com",
        ] {
            assert!(page.contains(part), "{part} on {uri}");
        }
    }
    assert_eq!(
        get("/xml/metadata?op=Nope").await.status(),
        StatusCode::FORBIDDEN
    );
    assert!(
        get("/xml/metadata?op=updateuserregistrationpasswordrequest")
            .await
            .body()
            .is_empty()
    );
    assert_eq!(get("/metadata/").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn browsers_get_a_page() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut request = set_password(ADMIN, &change("a@example.com", NEW_PASSWORD));
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    request
        .headers_mut()
        .insert("accept", accept.parse().unwrap());
    let response = sandbox.send(&request).await;
    assert_eq!(response.headers()["content-type"], "text/html");
    assert!(String::from_utf8_lossy(response.body()).contains("<dd>Jane Doe</dd>"));
}

#[tokio::test]
async fn browsers_are_not_sent_to_a_login_page() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let mut request = set_password(ADMIN, &change("a@example.com", NEW_PASSWORD));
    request.headers_mut().remove("authorization");
    request
        .headers_mut()
        .insert("accept", "text/html".parse().unwrap());
    let response = sandbox.send(&request).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(String::from_utf8_lossy(response.body()).contains("<dt>ResponseStatus</dt>"));
}

/// The log line of a request and its metrics report the same format.
#[tokio::test]
async fn a_request_is_logged_with_its_format() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    send(&sandbox, ADMIN, &change("a@example.com", NEW_PASSWORD)).await;
    let log = sandbox.logged();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let formats = lines.filter_map(|line: Value| Some(line["binding"].as_str()?.to_owned()));
    assert_eq!(formats.collect::<Vec<_>>(), ["json"]);
}
