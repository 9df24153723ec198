//! The pages of `local` on which both services can be tried.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;

use local::{gateway, site};
use password::{Cost, Verification};
use shared::config::{self, Env};
use testkit::Sandbox;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const UPDATE: &str = "admin=admin&password=p%4055wOrd&email=a%40example.com\
    &new_password=lamp-Sodium-4417&send_reset_email=true";

/// `local` without the process.
struct Site {
    sandbox: Sandbox,
    address: SocketAddr,
    _serving: JoinSet<std::io::Result<()>>,
}

impl Site {
    async fn start() -> Self {
        let sandbox = Sandbox::start(&[]).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let brand = config::brand(Env::new(&local::default_variable)).unwrap();
        let pages = site::pages(&sandbox.backend, brand, address);
        let router = gateway::router(sandbox.functions.clone()).merge(pages);
        let mut serving = JoinSet::new();
        serving.spawn(gateway::serve_router(
            listener,
            router,
            std::future::pending(),
        ));
        Self {
            sandbox,
            address,
            _serving: serving,
        }
    }

    /// The answer to a request with this head and body.
    async fn answer(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{head}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(&self, path: &str) -> String {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}", self.address);
        self.answer(&head, "").await
    }

    async fn post(&self, path: &str, form: &str) -> String {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {}", self.address);
        self.answer(&head, form).await
    }

    /// Sends a form and returns the page of the result.
    async fn result(&self, path: &str, form: &str) -> String {
        let answer = self.post(path, form).await;
        assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
        let location = answer.split("Location: ").nth(1).unwrap();
        let page = self.get(location.lines().next().unwrap()).await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        page
    }
}

#[tokio::test]
async fn a_reset_in_each_format_shows_the_exchange_the_mail_and_the_audit_row() {
    let site = Site::start().await;
    for (format, request, answered) in [
        (
            "soap11",
            "SOAPAction: &#34;http://",
            "ResetUserPasswordResult",
        ),
        (
            "soap12",
            "Content-Type: application/soap+xml",
            "ResetUserPasswordResult",
        ),
        (
            "get",
            "GET /webservices/IFCommonService.asmx/ResetUserPassword?username=jdoe HTTP/1.1",
            "&#60;string ",
        ),
        ("post", "\r\n\r\nusername=jdoe</pre>", "&#60;string "),
    ] {
        site.sandbox.backend.outbox.clear();
        let form = format!("username=jdoe&format={format}");
        let page = site.result("/try/reset", &form).await;
        let mail = site.sandbox.take_mail();
        assert!(page.contains(request), "{page}");
        assert!(page.contains("HTTP/1.1 200 OK"), "{page}");
        assert!(page.contains(answered), "{page}");
        assert!(
            page.contains(&format!("/outbox/{}/html", mail.id)),
            "{page}"
        );
        assert!(page.contains("<td>password.reset</td>"), "{page}");
        assert!(page.contains(&mail.tags["request_id"]), "{page}");
    }
}

#[tokio::test]
async fn an_update_in_each_format_shows_the_exchange_the_mail_and_the_audit_row() {
    let site = Site::start().await;
    for (format, media_type, request, answered) in [
        (
            "xml",
            "application/xml",
            "&#60;NewPassword&#62;lamp-Sodium-4417&#60;",
            "&#60;Id&#62;42&#60;/Id&#62;",
        ),
        (
            "json",
            "application/json",
            "&#34;NewPassword&#34;:&#34;lamp-Sodium-4417&#34;",
            "&#34;Id&#34;:42",
        ),
        (
            "jsv",
            "application/jsv",
            "{Email:a@example.com,NewPassword:lamp-Sodium-4417",
            "{Id:42,",
        ),
        (
            "csv",
            "text/csv",
            "a@example.com,lamp-Sodium-4417,true",
            "42,Jane Doe",
        ),
        (
            "form",
            "*/*",
            "Email=a%40example%2Ecom&#38;NewPassword=lamp%2DSodium%2D4417&#38;",
            "&#34;Id&#34;:42",
        ),
        (
            "soap11",
            "*/*",
            "&#60;soap:Envelope xmlns:soap=&#34;http://schemas.xmlsoap.org/soap/envelope/&#34;",
            "&#60;Id&#62;42&#60;/Id&#62;",
        ),
        (
            "soap12",
            "*/*",
            "&#60;soap:Envelope xmlns:soap=&#34;http://www.w3.org/2003/05/soap-envelope&#34;",
            "&#60;Id&#62;42&#60;/Id&#62;",
        ),
    ] {
        let form = format!("{UPDATE}&format={format}");
        let page = site.result("/try/update", &form).await;
        let mail = site.sandbox.take_mail();
        assert!(
            page.contains(&format!("Accept: {media_type}\r\n")),
            "{page}"
        );
        assert!(
            page.contains("Authorization: Basic YWRtaW46cEA1NXdPcmQ="),
            "{page}"
        );
        assert!(!page.contains("masked"), "{page}");
        assert!(page.contains(request), "{page}");
        assert!(page.contains("HTTP/1.1 200 OK"), "{page}");
        assert!(page.contains(answered), "{page}");
        assert!(
            page.contains(&format!("/outbox/{}/html", mail.id)),
            "{page}"
        );
        assert!(
            page.contains("<td>password.set</td><td>jdoe</td>"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn values_are_escaped_in_each_format() {
    let site = Site::start().await;
    // Only an intact value passes, because the password is then verified.
    let password = "a\"b,c}<d>&{e}:[f] g";
    let encoded = "a%22b%2Cc%7D%3Cd%3E%26%7Be%7D%3A%5Bf%5D+g";
    for format in ["xml", "json", "jsv", "csv", "form", "soap11", "soap12"] {
        let form = UPDATE.replace("lamp-Sodium-4417", encoded);
        let page = site
            .result("/try/update", &format!("{form}&format={format}"))
            .await;
        assert!(page.contains("HTTP/1.1 200 OK"), "{page}");
        let hash = site.sandbox.user("jdoe").await.unwrap()["password_hash"].clone();
        let hash = hash.as_s().unwrap().clone().into();
        let hasher = local::hasher(Cost::NEGLIGIBLE);
        let verified = hasher.verify(&password.to_owned().into(), &hash);
        let expected = Verification::Valid {
            needs_rehash: false,
        };
        assert_eq!(verified.unwrap(), expected, "{format}");
    }
}

#[tokio::test]
async fn an_unknown_name_shows_neither_mail_nor_audit_rows() {
    let site = Site::start().await;
    site.result("/try/reset", "username=jdoe&format=get").await;
    let page = site
        .result("/try/reset", "username=nobody&format=get")
        .await;
    assert!(page.contains("HTTP/1.1 200 OK"), "{page}");
    assert!(page.contains("No email was sent."), "{page}");
    assert!(page.contains("No account has this user name."), "{page}");
    assert!(!page.contains("<iframe"), "{page}");
    assert!(!page.contains("<td>"), "{page}");
}

#[tokio::test]
async fn a_refused_caller_sees_its_own_audit_row() {
    let site = Site::start().await;
    let form = UPDATE.replace("admin=admin", "admin=bob");
    let page = site
        .result("/try/update", &format!("{form}&format=json"))
        .await;
    assert!(page.contains("HTTP/1.1 403 "), "{page}");
    assert!(
        page.contains("<td>access.denied</td><td>bob</td>"),
        "{page}"
    );
    assert!(page.contains("No email was sent."), "{page}");
}

#[tokio::test]
async fn typed_passwords_are_masked() {
    let site = Site::start().await;
    let form = UPDATE
        .replace("p%4055wOrd", "my-own-Password")
        .replace("lamp-Sodium-4417", "another-Secret-1");
    for format in ["xml", "json", "jsv", "csv"] {
        let page = site
            .result("/try/update", &format!("{form}&format={format}"))
            .await;
        assert!(page.contains("HTTP/1.1 401 "), "{page}");
        assert!(page.contains("********"), "{page}");
        assert!(
            page.contains("Passwords that you typed are masked."),
            "{page}"
        );
        // The Base64 of `admin:my-own-Password`.
        for secret in [
            "my-own-Password",
            "another-Secret-1",
            "bXktb3duLVBhc3N3b3Jk",
            "YWRtaW46bXktb3duLVBhc3N3b3Jk",
        ] {
            assert!(!page.contains(secret), "{page}");
        }
    }
}

#[tokio::test]
async fn markup_in_input_is_escaped() {
    let site = Site::start().await;
    let markup = "%3C%2Fpre%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for format in ["soap11", "soap12", "get", "post"] {
        let page = site
            .result("/try/reset", &format!("username={markup}&format={format}"))
            .await;
        assert!(!page.to_lowercase().contains("<script"), "{page}");
    }
    for format in ["xml", "json", "jsv", "csv"] {
        let form = UPDATE.replace("a%40example.com", markup);
        let page = site
            .result("/try/update", &format!("{form}&format={format}"))
            .await;
        assert!(!page.to_lowercase().contains("<script"), "{page}");
    }
}

#[tokio::test]
async fn the_tables_show_no_hash_and_no_session() {
    let site = Site::start().await;
    assert!(!site.sandbox.backend.has_pending_reset().await.unwrap());
    site.sandbox
        .backend
        .outbox
        .refuse(Some("TooManyRequestsException"));
    // A pending reset contains a hash too.
    site.result("/try/reset", "username=jdoe&format=get").await;
    let login = "UserName=admin&Password=p%4055wOrd";
    let login = site.post("/auth/credentials", login).await;
    assert!(login.starts_with("HTTP/1.1 200 "), "{login}");
    assert!(site.sandbox.backend.has_pending_reset().await.unwrap());
    let user = site.sandbox.user("jdoe").await.unwrap();
    assert!(user["reset"].as_m().unwrap().contains_key("hash"));
    let sessions = &site.sandbox.backend.tables.sessions;
    let scan = site.sandbox.backend.clients.dynamodb.scan();
    let items = scan.table_name(sessions).send().await.unwrap().items;
    let session = items.unwrap()[0]["id"].as_s().unwrap().clone();
    let page = site.get("/tables").await;
    for name in ["Users", "Limits", "Audit", "Brands", "Sessions"] {
        assert!(page.contains(&format!("<h2>{name}</h2>")), "{page}");
    }
    assert!(page.contains("<td>a@example.com</td>"), "{page}");
    assert!(page.contains("hash: (masked)"), "{page}");
    for secret in ["$argon2", &*session] {
        assert!(!page.contains(secret), "{page}");
    }
}

#[tokio::test]
async fn requests_from_other_sites_are_refused() {
    let site = Site::start().await;
    let form = "username=jdoe&format=get";
    let own = format!("http://{}", site.address);
    for (headers, status) in [
        ("Origin: https://evil.example".to_owned(), 403),
        ("Origin: null".to_owned(), 403),
        (
            format!("Origin: {own}\r\nOrigin: https://evil.example"),
            403,
        ),
        ("Sec-Fetch-Site: cross-site".to_owned(), 403),
        (format!("Sec-Fetch-Site: same-site\r\nOrigin: {own}"), 403),
        (format!("Origin: {own}"), 303),
        (format!("Sec-Fetch-Site: same-origin\r\nOrigin: {own}"), 303),
        ("Sec-Fetch-Site: none".to_owned(), 303),
    ] {
        site.sandbox.backend.outbox.clear();
        let head = format!(
            "POST /try/reset HTTP/1.1\r\nHost: {}\r\n{headers}",
            site.address
        );
        let answer = site.answer(&head, form).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{headers} {answer}"
        );
        let expected = usize::from(status == 303);
        assert_eq!(
            site.sandbox.backend.outbox.mails().len(),
            expected,
            "{headers}"
        );
    }
    let head = format!(
        "DELETE /outbox.json HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: cross-site",
        site.address
    );
    let answer = site.answer(&head, "").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn requests_for_other_hosts_are_refused() {
    let site = Site::start().await;
    let form = "username=jdoe&format=get";
    for host in [
        "evil.example:3000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
    ] {
        let head = format!("POST /try/reset HTTP/1.1\r\nHost: {host}");
        let answer = site.answer(&head, form).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{host} {answer}");
        for page in [
            "/",
            "/tables",
            "/outbox",
            "/outbox.json",
            "/mails",
            "/try/x",
        ] {
            let head = format!("GET {page} HTTP/1.1\r\nHost: {host}");
            let answer = site.answer(&head, "").await;
            assert!(
                answer.starts_with("HTTP/1.1 421 "),
                "{host} {page} {answer}"
            );
        }
    }
    assert_eq!(site.sandbox.backend.outbox.mails(), []);
    for host in ["localhost:3000", "LOCALHOST", "127.0.0.1", "[::1]:3000"] {
        let answer = site
            .answer(&format!("GET / HTTP/1.1\r\nHost: {host}"), "")
            .await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host} {answer}");
    }
}

#[tokio::test]
async fn services_answer_under_any_host_and_at_the_root() {
    let site = Site::start().await;
    let head = "GET /webservices/IFCommonService.asmx HTTP/1.1\r\nHost: www.example.com";
    let answer = site.answer(head, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = site
        .answer("POST / HTTP/1.1\r\nHost: www.example.com", "")
        .await;
    assert!(answer.starts_with("HTTP/1.1 302 "), "{answer}");
}

#[tokio::test]
async fn pages_work_without_scripts() {
    let site = Site::start().await;
    let result = site.result("/try/reset", "username=jdoe&format=get").await;
    for page in [site.get("/").await, site.get("/tables").await, result] {
        assert!(
            page.contains("Content-Security-Policy: default-src 'none'; style-src"),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
        assert_eq!(page.matches("<main>").count(), 1);
        assert_eq!(page.matches("<h1>").count(), 1);
        // Each box that scrolls can be reached by keyboard.
        for tag in page
            .split('<')
            .filter(|tag| tag.starts_with("pre") || tag.contains("class=\"scroll\""))
        {
            assert!(
                tag.contains("tabindex=\"0\" role=\"region\" aria-label="),
                "{tag}"
            );
        }
    }
    let home = site.get("/").await;
    for input in home.split("<input ").skip(1) {
        let is_in_label = input.contains("type=\"radio\"") || input.contains("type=\"checkbox\"");
        let id = input
            .split("id=\"")
            .nth(1)
            .and_then(|id| id.split('"').next());
        let label = format!("<label for=\"{}\">", id.unwrap_or_default());
        assert!(is_in_label || home.contains(&label), "{input}");
    }
}

#[tokio::test]
async fn an_unknown_result_is_not_found() {
    let site = Site::start().await;
    let answer = site.get("/try/x").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}
