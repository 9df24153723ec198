//! A check that no test reveals a secret. A watch remembers the secrets in the requests and emails
//! of one sandbox, and searches for them in every answer, in the Debug output of the functions, and
//! in everything that this process logged at the most verbose level.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, Request, Response, header};
use percent_encoding::percent_decode_str;
use shared::config::Env;
use shared::front_door::SECRET_HEADER;

use local::Functions;
use local::ses::{Mail, Outbox};

/// Texts that must never be in a log: the beginnings of hashes and credentials, and addresses.
const NEVER: [&str; 4] = ["$argon2", "Basic ", "Bearer ", "@"];
/// The minimum length of a secret. Shorter values would be found by chance.
const SHORTEST: usize = 4;

/// The number of the next watch.
static WATCHES: AtomicUsize = AtomicUsize::new(0);

tokio::task_local! {
    /// The watch of the functions that run in this task.
    static WATCH: usize;
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let variables = |name: &str| match name {
        "AWS_LAMBDA_LOG_FORMAT" => Some("JSON".to_owned()),
        "AWS_LAMBDA_LOG_LEVEL" => Some("TRACE".to_owned()),
        _ => None,
    };
    let log = Log(Mutex::default());
    if let Err(error) = shared::telemetry::init_to(Env::new(&variables), || &*LOG) {
        let mut lines = log.lock();
        lines.others.push_str(&error.to_string());
    }
    log
});

struct Log(Mutex<Lines>);

/// The log, one JSON object per line.
#[derive(Default)]
struct Lines {
    /// The lines of the tasks of each watch.
    of_watches: HashMap<usize, String>,
    /// The lines of other tasks and threads.
    others: String,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.lock();
        let lines = match WATCH.try_with(|watch| *watch) {
            Ok(watch) => lines.of_watches.entry(watch).or_default(),
            Err(_) => &mut lines.others,
        };
        lines.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that this process logged outside the tasks of its sandboxes, for example in hashing
/// threads, as one JSON object per line.
#[must_use]
pub fn logged_elsewhere() -> String {
    LOG.lock().others.clone()
}

/// The secrets of one sandbox, which are checked on drop.
#[derive(Debug)]
pub(crate) struct Watch {
    number: usize,
    functions: Functions,
    outbox: Outbox,
    /// The suffix of its recipients' addresses.
    recipients: String,
    secrets: Mutex<BTreeSet<String>>,
    /// The length, at the start, of the log of other tasks and threads.
    logged_before: usize,
}

impl Watch {
    pub(crate) fn start(functions: Functions, outbox: Outbox, recipients: String) -> Self {
        Self {
            number: WATCHES.fetch_add(1, Ordering::Relaxed),
            functions,
            outbox,
            recipients,
            secrets: Mutex::default(),
            logged_before: LOG.lock().others.len(),
        }
    }

    /// Runs `work`, whose log lines belong to this watch.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        WATCH.scope(self.number, work).await
    }

    /// The log lines of this watch, one JSON object per line.
    pub(crate) fn logged(&self) -> String {
        let lines = LOG.lock();
        let lines = lines.of_watches.get(&self.number);
        lines.cloned().unwrap_or_default()
    }

    /// Remembers the secrets in a request.
    pub(crate) fn see(&self, request: &Request<Bytes>) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(secrets_of(request));
        secrets.extend(session_ids(request.headers(), &header::COOKIE));
    }

    /// Remembers the session that an answer opens.
    pub(crate) fn see_answer(&self, response: &Response<Bytes>) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(session_ids(response.headers(), &header::SET_COOKIE));
    }

    /// Checks that the answer to a request does not contain secrets of the request.
    ///
    /// # Panics
    /// If the check fails.
    pub(crate) fn check(request: &Request<Bytes>, response: &Response<Bytes>) {
        let body = String::from_utf8_lossy(response.body());
        for secret in secrets_of(request)
            .iter()
            .filter(|secret| is_telling(secret))
        {
            assert!(
                !body.contains(secret.as_str()),
                "{secret:?} is in the answer {body}"
            );
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut secrets =
            std::mem::take(&mut *self.secrets.lock().unwrap_or_else(PoisonError::into_inner));
        let mails = self
            .outbox
            .mails_to(|address| address.ends_with(&self.recipients));
        secrets.extend(mails.iter().filter_map(Mail::password).map(str::to_owned));
        let debug = format!("{:?}", self.functions);
        let (own, others) = {
            let mut lines = LOG.lock();
            let others = lines.others.get(self.logged_before..).map(str::to_owned);
            (lines.of_watches.remove(&self.number), others)
        };
        for log in [own, others].into_iter().flatten() {
            for secret in secrets.iter().map(String::as_str).chain(NEVER) {
                let line = || log.lines().find(|line| line.contains(secret));
                assert!(!log.contains(secret), "{secret:?} was logged: {:?}", line());
            }
        }
        for secret in secrets.iter().filter(|secret| is_telling(secret)) {
            assert!(!debug.contains(secret), "{secret:?} is in Debug output");
        }
    }
}

/// Whether a secret is distinctive enough not to occur in other text by chance.
fn is_telling(secret: &str) -> bool {
    !secret.chars().all(char::is_alphabetic)
}

/// The ids of sessions in cookies, and in headers of the same name.
fn session_ids(headers: &HeaderMap, cookies: &HeaderName) -> Vec<String> {
    let cookies = headers.get_all(cookies).iter();
    let cookies = cookies.flat_map(|field| field.to_str().unwrap_or_default().split(';'));
    let cookies = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    let cookies = cookies.filter(|(name, _)| ["ss-id", "ss-pid"].contains(name));
    let of_headers = ["x-ss-id", "x-ss-pid"].map(|name| headers.get(name)?.to_str().ok());
    let ids = cookies
        .map(|(_, id)| id)
        .chain(of_headers.into_iter().flatten());
    ids.filter(|id| id.len() >= SHORTEST)
        .map(str::to_owned)
        .collect()
}

/// The credential, the front door's secret, the chosen password, and the user name typed into the
/// anonymous operation: people type passwords there.
fn secrets_of(request: &Request<Bytes>) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let credential = value.rsplit(' ').next().unwrap_or_default().to_owned();
        if let Ok(decoded) = BASE64_STANDARD.decode(&credential) {
            let decoded = String::from_utf8_lossy(&decoded).into_owned();
            secrets.extend(
                decoded
                    .split_once(':')
                    .map(|(_, password)| password.to_owned()),
            );
            secrets.insert(decoded);
        }
        secrets.extend([value, credential]);
    }
    if let Some(secret) = request.headers().get(SECRET_HEADER) {
        secrets.insert(String::from_utf8_lossy(secret.as_bytes()).into_owned());
    }
    let body = String::from_utf8_lossy(request.body());
    for text in [request.uri().query().unwrap_or_default(), &body] {
        secrets.extend(values(text, "username"));
        secrets.extend(values(text, "newpassword"));
        if request.uri().path().to_ascii_lowercase().contains("auth") {
            secrets.extend(values(text, "password"));
        }
    }
    secrets.retain(|secret| secret.chars().count() >= SHORTEST);
    secrets
}

/// The values with this name in a query, a form, XML, JSON, JSV or multipart, both as written and
/// decoded.
fn values(text: &str, name: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let found = lower
        .match_indices(name)
        .filter_map(|(at, _)| text.get(at + name.len()..));
    found
        .flat_map(|rest| {
            let value = rest.trim_start_matches(['"', '=', ':', '>', ' ', '\r', '\n']);
            let end = value.find(['"', '<', '&', ',', '}', '\r', '\n']);
            let value = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
            let decoded = percent_decode_str(value)
                .decode_utf8_lossy()
                .replace('+', " ");
            [value.to_owned(), decoded]
        })
        .filter(|value| value.chars().count() >= SHORTEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_values_of_every_format() {
        for text in [
            "username=some%20body",
            "x=1&username=some+body&y=2",
            "<username>some body</username>",
            "{\"UserName\": \"some body\"}",
            "{UserName:some body,x:1}",
            "name=\"username\"\r\n\r\nsome body\r\n--x",
        ] {
            assert!(
                values(text, "username").contains(&"some body".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_credential_is_secret_in_every_form() {
        let credential = BASE64_STANDARD.encode("admin:p@55wOrd");
        let request = Request::get("/").header("authorization", format!("Basic {credential}"));
        let secrets = secrets_of(&request.body(Bytes::new()).unwrap());
        for secret in [&*credential, "admin:p@55wOrd", "p@55wOrd"] {
            assert!(secrets.contains(secret), "{secret}");
        }
    }
}
