//! Sessions: opening, using and ending them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::body::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use local::{Item, attribute};
use serde_json::{Value, json};
use shared::clock::{Clock, Timestamp};
use shared::users::{ADMIN_ROLE, NewAccount, Profile, UsernameKey, admin};
use testkit::Sandbox;
use testkit::requests::{basic, reset, set_password};

/// The time at which a test begins.
const BEGIN: u64 = 1_800_000_000;
const HOUR: u64 = 3_600;
const NEW_PASSWORD: &str = "lamp-Sodium-4417";

/// A sandbox and its clock.
struct World {
    sandbox: Sandbox,
    time: Arc<AtomicU64>,
}

impl World {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let time = Arc::new(AtomicU64::new(BEGIN));
        let now = Arc::clone(&time);
        let clock = Clock::new(move || Timestamp(now.load(Ordering::Relaxed)));
        let sandbox = Sandbox::at(&clock, testkit::backend().await, variables).unwrap();
        Self { sandbox, time }
    }

    fn wait(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn log_in(&self, username: &str) -> Session {
        let response = self.sandbox.send(&login(username, "p@55wOrd", false)).await;
        assert_eq!(response.status(), StatusCode::OK);
        Session::of(&response)
    }

    /// The status of a call with a session.
    async fn call(&self, session: &Session) -> StatusCode {
        let request = call(&[("cookie", &session.cookies())]);
        self.sandbox.send(&request).await.status()
    }

    async fn change(&self, username: &str, change: impl FnOnce(&mut Item)) {
        let mut item = self.sandbox.user(username).await.unwrap();
        change(&mut item);
        self.sandbox.put_user(item).await.unwrap();
    }
}

/// The cookies of a login.
struct Session(Vec<(String, String)>);

impl Session {
    fn of(response: &Response<Bytes>) -> Self {
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        let pair = |cookie: &str| {
            let (name, value) = cookie.split(';').next()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Self(
            cookies
                .map(|c| pair(c.to_str().unwrap()).unwrap())
                .collect(),
        )
    }

    fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }

    fn cookies(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

fn login(username: &str, password: &str, remember: bool) -> Request<Bytes> {
    let body = json!({
        "provider": "credentials", "UserName": username, "Password": password, "RememberMe": remember
    });
    Request::post("/json/reply/Authenticate")
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

fn call(headers: &[(&str, &str)]) -> Request<Bytes> {
    let body = json!({ "Email": "a@example.com", "NewPassword": NEW_PASSWORD });
    let mut request = Request::post("/UpdateUserRegistrationPassword");
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_string().into()).unwrap()
}

fn get(path: &str, cookies: &str) -> Request<Bytes> {
    let request = Request::get(path).header("cookie", cookies);
    request.body(Bytes::new()).unwrap()
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn a_session_is_used_by_cookie_or_header_and_ends_with_the_logout() {
    let world = World::start(&[]).await;
    let response = world.sandbox.send(&login("Admin", "p@55wOrd", false)).await;
    let session = Session::of(&response);
    let expected = json!({
        "UserId": "1", "SessionId": session.get("ss-id"), "UserName": "Admin",
        "DisplayName": "Portal Admin", "ResponseStatus": {},
    });
    assert_eq!(body(&response), expected);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let (id, other) = (session.get("ss-id"), session.get("ss-pid"));
    assert_eq!(
        (session.get("ss-opt"), session.get("X-UAId")),
        ("temp", "1")
    );
    let cookies = response.headers().get_all(header::SET_COOKIE);
    let lasting = format!("ss-pid={other};path=/;expires=Tue, 15 Jan 2047 08:00:00 GMT");
    for (cookie, expected) in cookies
        .iter()
        .zip([&*format!("ss-id={id};path=/"), &*lasting])
    {
        let expected = format!("{expected};HttpOnly;SameSite=Strict");
        assert_eq!(cookie.to_str().unwrap(), expected);
    }

    for (name, headers, expected) in [
        ("all cookies", &[("cookie", session.cookies())][..], 200),
        ("ss-id", &[("cookie", format!("ss-id={id}"))], 200),
        ("ss-pid", &[("cookie", format!("ss-pid={other}"))], 401),
        (
            "ss-pid, perm",
            &[("cookie", format!("ss-opt=perm; ss-pid={other}"))],
            401,
        ),
        (
            "id as ss-pid",
            &[("cookie", format!("ss-opt=perm; ss-pid={id}"))],
            200,
        ),
        ("header", &[("x-ss-id", id.to_owned())], 200),
        ("other header", &[("x-ss-id", other.to_owned())], 401),
        (
            "forged",
            &[("x-ss-id", "AAAAAAAAAAAAAAAAAAAAAAAA".to_owned())],
            401,
        ),
    ] {
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let response = world.sandbox.send(&call(&headers)).await;
        assert_eq!(response.status().as_u16(), expected, "{name}");
        let challenge = response.headers().contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(challenge, expected == 401, "{name}");
    }
    let mut in_query = call(&[]);
    *in_query.uri_mut() = format!("/UpdateUserRegistrationPassword?ss-id={id}")
        .parse()
        .unwrap();
    assert_eq!(world.sandbox.send(&in_query).await.status(), 401);

    let shown = world.sandbox.send(&get("/auth", &session.cookies())).await;
    let expected = json!({
        "UserId": "1", "SessionId": id, "UserName": "admin",
        "DisplayName": "Portal Admin", "ResponseStatus": {},
    });
    assert_eq!(body(&shown), expected);
    assert!(!shown.headers().contains_key(header::SET_COOKIE));

    let logout = Request::post("/auth/logout").header("cookie", session.cookies());
    let response = world
        .sandbox
        .send(&logout.body(Bytes::new()).unwrap())
        .await;
    assert_eq!(body(&response), json!({ "ResponseStatus": {} }));
    let cleared = response.headers().get_all(header::SET_COOKIE);
    for (cookie, name) in cleared.iter().zip(["ss-id", "ss-pid", "X-UAId"]) {
        let expected = format!(
            "{name}=;path=/;expires=Thu, 14 Jan 2027 08:00:00 GMT;HttpOnly;SameSite=Strict"
        );
        assert_eq!(cookie.to_str().unwrap(), expected);
    }
    assert_eq!(world.call(&session).await, 401);
    assert_eq!(
        world
            .sandbox
            .send(&get("/auth", &session.cookies()))
            .await
            .status(),
        401
    );

    let rows = world.sandbox.audit("jdoe").await.unwrap();
    let actors: BTreeSet<_> = rows
        .iter()
        .map(|row| row["actor"].as_s().unwrap().as_str())
        .collect();
    assert_eq!(actors, BTreeSet::from(["admin"]));
}

#[tokio::test]
async fn a_remembered_session_lasts_for_two_weeks_and_a_plain_one_for_hours() {
    for (remember, hours, id, option) in [
        (false, 12, "ss-id", "temp"),
        (true, 14 * 24, "ss-pid", "perm"),
    ] {
        let world = World::start(&[]).await;
        let response = world
            .sandbox
            .send(&login("admin", "p@55wOrd", remember))
            .await;
        let session = Session::of(&response);
        assert_eq!(body(&response)["SessionId"], session.get(id));
        assert_eq!(session.get("ss-opt"), option);
        // The number of uses does not matter.
        world.wait(hours * HOUR - 1);
        assert_eq!(world.call(&session).await, 200, "{option}");
        world.wait(1);
        assert_eq!(world.call(&session).await, 401, "{option}");
    }
    let world = World::start(&[("SESSION_HOURS", "1")]).await;
    let session = world.log_in("admin").await;
    world.wait(HOUR);
    assert_eq!(world.call(&session).await, 401);
}

/// A change to an account, and the status of a call with its session after the change.
type Ending = (&'static str, fn(&mut Item), u16);

fn set(item: &mut Item, name: &str, value: AttributeValue) {
    item.insert(name.to_owned(), value);
}

fn set_valid_after(item: &mut Item, value: AttributeValue) {
    set(item, "sessions_valid_after", value);
}

/// The session begins at [`BEGIN`], with version 1.
const ENDINGS: [Ending; 8] = [
    (
        "disabled",
        |item| set(item, "disabled", AttributeValue::Bool(true)),
        401,
    ),
    (
        "another version",
        |item| set(item, "version", attribute::number(2)),
        401,
    ),
    ("no version", |item| drop(item.remove("version")), 401),
    (
        "ended",
        |item| set_valid_after(item, attribute::number(BEGIN + 1)),
        401,
    ),
    (
        "ended, illegible",
        |item| set_valid_after(item, attribute::text("x")),
        401,
    ),
    (
        "expired password",
        |item| set(item, "password_expires_at", attribute::number(1)),
        401,
    ),
    ("without the role", |item| drop(item.remove("roles")), 403),
    (
        "ended before",
        |item| set_valid_after(item, attribute::number(BEGIN)),
        200,
    ),
];

#[tokio::test]
async fn a_session_ends_with_its_password_and_account() {
    for (name, change, expected) in ENDINGS {
        let world = World::start(&[]).await;
        let session = world.log_in("admin").await;
        assert_eq!(world.call(&session).await, 200, "{name}");
        world.change("admin", change).await;
        assert_eq!(world.call(&session).await.as_u16(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_new_password_ends_every_session_of_the_account_in_the_same_second() {
    let world = World::start(&[]).await;
    let [one, two] = [world.log_in("admin").await, world.log_in("admin").await];
    let body = json!({ "Email": "admin@pumpalarm.com", "NewPassword": NEW_PASSWORD });
    let change = set_password("admin:p@55wOrd", &body);
    assert_eq!(world.sandbox.send(&change).await.status(), 200);
    for session in [one, two] {
        assert_eq!(world.call(&session).await, 401);
    }
    let response = world
        .sandbox
        .send(&login("admin", NEW_PASSWORD, false))
        .await;
    assert_eq!(world.call(&Session::of(&response)).await, 200);
}

/// Both accounts start with the same version.
#[tokio::test]
async fn an_account_that_is_added_again_has_no_sessions() {
    let world = World::start(&[]).await;
    let session = world.log_in("admin").await;
    let added = NewAccount {
        profile: Profile {
            username: UsernameKey::new("admin"),
            display_username: "admin".to_owned(),
            id: 7,
            email: None,
            display_name: String::new(),
            brand: None,
            language: None,
        },
        roles: [ADMIN_ROLE.to_owned()].into(),
        password_hash: None,
        disabled: false,
    };
    for add in [admin::add, admin::import] {
        let mut item = Item::new();
        assert!(add(&added, Timestamp(BEGIN + 1)).apply(&mut item));
        set(&mut item, "username", attribute::text("admin"));
        world.sandbox.put_user(item).await.unwrap();
        assert_eq!(world.call(&session).await, 401);
    }
}

/// The first use of a mailed password changes the password, so the session must begin after the
/// change.
#[tokio::test]
async fn a_login_with_a_temporary_password_opens_a_session_that_works() {
    let world = World::start(&[("RESET_MODE", "dual")]).await;
    let before = world.log_in("admin").await;
    world.sandbox.send(&reset("admin")).await;
    assert_eq!(world.call(&before).await, 200);
    let mails = world.sandbox.backend.outbox.mails();
    let mail = mails.iter().find(|mail| mail.to == ["admin@pumpalarm.com"]);
    let password = mail.unwrap().password().unwrap();
    let response = world.sandbox.send(&login("admin", password, false)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(world.call(&Session::of(&response)).await, 200);
    assert_eq!(world.call(&before).await, 401);
}

#[tokio::test]
async fn a_login_replaces_the_session_that_it_was_sent_with() {
    let world = World::start(&[]).await;
    let [old, other] = [world.log_in("admin").await, world.log_in("admin").await];
    let mut again = login("admin", "p@55wOrd", false);
    let cookies = old.cookies().parse().unwrap();
    again.headers_mut().insert(header::COOKIE, cookies);
    let new = Session::of(&world.sandbox.send(&again).await);
    assert_ne!(new.get("ss-id"), old.get("ss-id"));
    for (session, expected) in [(old, 401), (other, 200), (new, 200)] {
        assert_eq!(world.call(&session).await.as_u16(), expected);
    }
}

#[tokio::test]
async fn basic_takes_precedence_over_a_session() {
    let world = World::start(&[]).await;
    let [admin, bob] = [world.log_in("admin").await, world.log_in("bob").await];
    for (session, authorization, expected) in [
        (&admin, Some(basic("bob:p@55wOrd")), 403),
        (&admin, Some(basic("admin:wr0ng")), 401),
        (&admin, Some(basic("admin:")), 401),
        (&bob, Some(basic("admin:p@55wOrd")), 200),
        (&bob, None, 403),
        (&admin, Some("Bearer x".to_owned()), 200),
        (&admin, Some(" ".to_owned()), 200),
    ] {
        let cookies = session.cookies();
        let mut headers = vec![("cookie", cookies.as_str())];
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("authorization", value)),
        );
        let status = world.sandbox.send(&call(&headers)).await.status();
        assert_eq!(status.as_u16(), expected, "{authorization:?}");
    }
    // A status call with Basic works too, without a session.
    let mut status = get("/auth", &admin.cookies());
    let credential = basic("bob:p@55wOrd").parse().unwrap();
    status
        .headers_mut()
        .insert(header::AUTHORIZATION, credential);
    let response = world.sandbox.send(&status).await;
    let expected = json!({
        "UserId": "2", "UserName": "bob", "DisplayName": "Bob", "ResponseStatus": {}
    });
    assert_eq!(body(&response), expected);
}

#[tokio::test]
async fn a_session_without_the_role_leaves_an_audit_row() {
    let world = World::start(&[]).await;
    let bob = world.log_in("bob").await;
    assert_eq!(world.call(&bob).await, 403);
    let rows = world.sandbox.audit("bob").await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["event"].as_s().unwrap(), "access.denied");
    assert_eq!(rows[0]["actor"].as_s().unwrap(), "bob");
}

/// A reader of the table cannot use the sessions.
#[tokio::test]
async fn the_table_contains_no_session_id() {
    let world = World::start(&[]).await;
    let session = world.log_in("admin").await;
    let (clients, tables) = (
        &world.sandbox.backend.clients,
        &world.sandbox.backend.tables,
    );
    let scan = clients.dynamodb.scan().table_name(&tables.sessions);
    let items = scan.send().await.unwrap().items.unwrap_or_default();
    assert_eq!(items.len(), 1);
    let names: BTreeSet<_> = items[0].keys().map(String::as_str).collect();
    let expected = ["created_at", "expires_at", "id", "username", "version"];
    assert_eq!(names, BTreeSet::from(expected));
    let key = items[0]["id"].as_s().unwrap();
    assert!(!format!("{items:?}").contains(session.get("ss-id")));
    for stolen in [key.as_str(), &key[..24]] {
        let status = world
            .sandbox
            .send(&call(&[("x-ss-id", stolen)]))
            .await
            .status();
        assert_eq!(status, 401);
    }
}

/// Browsers send cookies with requests from any page. See [`crate::bad_input`] for the rules that
/// also apply to Basic.
#[tokio::test]
async fn cookies_are_accepted_only_from_the_services_own_pages_and_programs() {
    let world = World::start(&[]).await;
    let session = world.log_in("admin").await;
    let cookies = session.cookies();
    let form = "application/x-www-form-urlencoded";
    let own = ("origin", "http://localhost");
    for (name, headers, expected) in [
        ("a program, JSON", &[][..], 200),
        ("cross-site", &[("sec-fetch-site", "cross-site")], 403),
        ("another subdomain", &[("sec-fetch-site", "same-site")], 403),
        (
            "foreign origin",
            &[("origin", "http://hostile.example")],
            403,
        ),
        ("a form", &[("content-type", form)], 403),
        (
            "a form, typed in",
            &[("content-type", form), ("sec-fetch-site", "none")],
            403,
        ),
        (
            "plain text",
            &[("content-type", "Text/Plain; charset=utf-8")],
            403,
        ),
        (
            "multipart",
            &[("content-type", "multipart/form-data; boundary=x")],
            403,
        ),
        ("no type", &[("content-type", "")], 403),
        (
            "own form",
            &[
                ("content-type", "text/plain"),
                ("sec-fetch-site", "same-origin"),
            ],
            400,
        ),
        ("own origin", &[("content-type", "text/plain"), own], 400),
    ] {
        let mut all = vec![("cookie", cookies.as_str()), ("host", "localhost")];
        all.extend_from_slice(headers);
        let response = world.sandbox.send(&call(&all)).await;
        assert_eq!(response.status().as_u16(), expected, "{name}");
        if expected == 403 {
            let status = &body(&response)["ResponseStatus"];
            assert_eq!(
                status["Message"], "Cross-site requests are not accepted",
                "{name}"
            );
        }
    }
    // Pages cannot make a browser send the header.
    let by_header = [("x-ss-id", session.get("ss-id")), ("content-type", form)];
    assert_eq!(world.sandbox.send(&call(&by_header)).await.status(), 400);
}

/// A page of another origin could log the user in under another name, or out.
#[tokio::test]
async fn pages_of_other_origins_cannot_log_in_or_out() {
    let world = World::start(&[]).await;
    let session = world.log_in("admin").await;
    let foreign = [("sec-fetch-site", "cross-site"), ("origin", "null")];
    for (name, value) in foreign {
        let mut requests = [
            login("bob", "p@55wOrd", false),
            get("/auth/logout", &session.cookies()),
            get("/auth", &session.cookies()),
        ];
        for request in &mut requests {
            request.headers_mut().insert(name, value.parse().unwrap());
            let response = world.sandbox.send(request).await;
            assert_eq!(response.status(), 403, "{} {name}", request.uri());
            assert!(!response.headers().contains_key(header::SET_COOKIE));
        }
    }
    assert_eq!(world.call(&session).await, 200);
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_other_sites_and_plain_http() {
    let world = World::start(&[]).await;
    let event = include_str!("../../../../events/update-user-registration-password/login.json");
    let function = &world.sandbox.functions.update_user_registration_password;
    let result = shared::lambda::invoke(function, event, "r-1".to_owned())
        .await
        .unwrap();
    let cookies = result["cookies"].as_array().unwrap();
    assert_eq!(cookies.len(), 4);
    for cookie in cookies {
        let cookie = cookie.as_str().unwrap();
        let ends = cookie.ends_with(";HttpOnly;SameSite=Strict;Secure");
        assert!(ends && cookie.contains(";path=/;"), "{cookie}");
    }
    // `local` uses plain HTTP.
    let response = world.sandbox.send(&login("admin", "p@55wOrd", false)).await;
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    for cookie in cookies {
        assert!(
            cookie
                .to_str()
                .unwrap()
                .ends_with(";HttpOnly;SameSite=Strict")
        );
    }
}

#[tokio::test]
async fn a_password_is_not_taken_from_a_query() {
    let world = World::start(&[]).await;
    for (method, path, expected, allow) in [
        (
            Method::GET,
            "/auth/credentials?UserName=admin&Password=p%4055wOrd",
            405,
            Some("POST"),
        ),
        (
            Method::GET,
            "/auth?UserName=admin&Password=p%4055wOrd",
            405,
            Some("POST"),
        ),
        (
            Method::GET,
            "/json/reply/Authenticate?UserName=admin&Password=p%4055wOrd",
            405,
            Some("POST"),
        ),
        (
            Method::POST,
            "/auth/credentials?UserName=admin&Password=p%4055wOrd",
            400,
            None,
        ),
        (Method::PUT, "/auth/credentials", 405, Some("GET, POST")),
        (
            Method::GET,
            "/json/reply/Authenticate?provider=logout",
            200,
            None,
        ),
        (Method::GET, "/auth/nope", 404, None),
    ] {
        let request = Request::builder().method(&method).uri(path);
        let response = world
            .sandbox
            .send(&request.body(Bytes::new()).unwrap())
            .await;
        assert_eq!(response.status().as_u16(), expected, "{method} {path}");
        let found = response
            .headers()
            .get(header::ALLOW)
            .map(|allow| allow.to_str().unwrap());
        assert_eq!(found, allow, "{method} {path}");
    }
}

#[tokio::test]
async fn without_sessions_logins_are_refused() {
    let on = World::start(&[]).await;
    let session = on.log_in("admin").await;
    let off = Sandbox::on(
        on.sandbox.backend.clone(),
        &[("SESSION_HOURS", "0"), ("SESSIONS_TABLE", "")],
    )
    .unwrap();
    let soap = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
                <Authenticate xmlns=\"http://schemas.servicestack.net/types\"/></s:Body></s:Envelope>";
    for (path, content_type, body, expected, text) in [
        ("/auth", "application/json", "{}", 404, "404"),
        ("/auth/credentials", "application/json", "{}", 404, "404"),
        ("/authenticate", "application/json", "{}", 404, "404"),
        ("/api/Authenticate", "application/json", "{}", 404, "404"),
        (
            "/json/reply/Authenticate",
            "application/json",
            "{}",
            405,
            "The operation 'Authenticate' does not exist",
        ),
        (
            "/soap11",
            "text/xml; charset=utf-8",
            soap,
            401,
            "Unauthorized",
        ),
    ] {
        let request = Request::post(path).header("content-type", content_type);
        let response = off.send(&request.body(Bytes::from(body)).unwrap()).await;
        assert_eq!(response.status().as_u16(), expected, "{path}");
        let body = String::from_utf8_lossy(response.body());
        assert!(body.contains(text), "{path}: {body}");
    }
    // The same answer as without a credential, before the body is read.
    let mut request = call(&[("cookie", &session.cookies())]);
    *request.body_mut() = Bytes::from_static(b"{");
    assert_eq!(off.send(&request).await.status(), 401);
    assert_eq!(on.call(&session).await, 200);
}
