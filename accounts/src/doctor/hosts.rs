//! Both hosts: whether they answer, and whether their certificates are valid.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use shared::clock::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use url::Url;

use super::certificate::Tls;
use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::gap::{Answer, Gap};

/// How long a host may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Days before its end at which a certificate should have been renewed: ACM renews 45 days before or
/// earlier (ACM user guide, "Managed certificate renewal").
const RENEWED: u64 = 30;
const DAY: u64 = 86_400;

/// A host of the stack.
struct Host {
    /// What its checks are called.
    name: &'static str,
    /// The outputs with a URL of it; the first that the stack has is checked.
    outputs: [&'static str; 2],
    /// What is asked of it, which needs no permission and changes nothing.
    path: &'static str,
    /// The status of the answer where `AsmxProtocols` has no `Documentation`.
    undocumented: u16,
}

const HOSTS: [Host; 2] = [
    Host {
        name: "Host of ResetUserPassword",
        outputs: ["ResetUserPasswordDomainUrl", "ResetUserPasswordUrl"],
        path: "/webservices/IFCommonService.asmx?WSDL",
        undocumented: 405,
    },
    Host {
        name: "Host of UpdateUserRegistrationPassword",
        outputs: [
            "UpdateUserRegistrationPasswordDomainUrl",
            "UpdateUserRegistrationPasswordUrl",
        ],
        path: "/metadata",
        undocumented: 200,
    },
];

/// Checks both hosts.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for host in &HOSTS {
        let seen = match url(deployment, host) {
            Ok(url) => Ok(visit(deployment, &url).await),
            Err(gap) => Err(gap),
        };
        let certificate = match &seen {
            Ok(Ok(seen)) => Ok(certificate(seen, deployment.session.now)),
            Ok(Err(_)) => Err(Gap::Unknown("the host was not reached".to_owned())),
            Err(gap) => Err(gap.clone()),
        };
        let answer = seen.map(|seen| answer(seen, expected(deployment, host)));
        checks.push(Check::new(host.name, answer));
        checks.push(Check::new(
            format!("{}, certificate", host.name),
            certificate,
        ));
    }
    checks
}

/// Where to visit a host.
fn url(deployment: &Deployment<'_>, host: &Host) -> Answer<Url> {
    for name in host.outputs {
        if let Some(url) = deployment.output(name)? {
            let url = Url::parse(url).and_then(|url| url.join(host.path));
            return url.map_err(|_| Gap::Unknown(format!("the output {name} is no URL")));
        }
    }
    Err(Gap::Unknown(format!(
        "the stack has no output {}",
        host.outputs[1]
    )))
}

/// What a host answered.
struct Seen {
    url: Url,
    status: u16,
    /// When its certificate ends, unless that is in more than a year.
    until: Option<Timestamp>,
}

/// Opens a page of a host. The error says what is wrong.
async fn visit(deployment: &Deployment<'_>, url: &Url) -> Result<Seen, String> {
    let visited = timeout(PATIENCE, open(deployment, url)).await;
    visited.unwrap_or_else(|_| Err("no answer within ten seconds".to_owned()))
}

async fn open(deployment: &Deployment<'_>, url: &Url) -> Result<Seen, String> {
    let clock = deployment.session.clock.clone();
    let tls = deployment
        .session
        .configured(|env| Ok(Tls::new(env, clock)));
    let tls = tls.map_err(|error| error.to_string())??;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let (stream, until) = tls.connect(host, port).await?;
    let status = get(stream, url).await;
    let status = status.ok_or_else(|| "it closed the connection without an answer".to_owned())?;
    Ok(Seen {
        url: url.clone(),
        status,
        until,
    })
}

/// The status of the answer to a GET; nothing if there is no answer.
async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Url,
) -> Option<u16> {
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
    let connection = tokio::spawn(connection);
    let target = &url[url::Position::BeforePath..];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = http::Request::get(target)
        .header("host", host)
        .body(String::new());
    let response = sender.send_request(request.ok()?).await.ok()?;
    connection.abort();
    Some(response.status().as_u16())
}

/// The status that a host should answer with.
fn expected(deployment: &Deployment<'_>, host: &Host) -> u16 {
    match deployment.parameter("AsmxProtocols") {
        Ok(protocols) if !protocols.contains("Documentation") => host.undocumented,
        _ => 200,
    }
}

fn answer(seen: Result<Seen, String>, expected: u16) -> Finding {
    let Seen { url, status, .. } = match seen {
        Ok(seen) => seen,
        Err(found) => {
            let advice = "point the DNS record of the host at its target, the output \
                          CommonServiceDomainTarget or RegistrarServicesDomainTarget; see ACM for \
                          the certificate";
            return Finding::failed(found, advice);
        }
    };
    match status {
        _ if status == expected => Finding::ok(format!("{url} answers with {status}")),
        403 => Finding::failed(
            format!("{url} answers with 403"),
            "point its DNS record at the front door (docs/front-door.md), or look at \
             the web ACL",
        ),
        429 => Finding::warning(
            format!("{url} answers with 429: too many requests"),
            "try again, and see CommonServiceTooManyRequestsAlarm in docs/operations.md",
        ),
        _ => Finding::failed(
            format!("{url} answers with {status}"),
            "read the log of the function (docs/operations.md)",
        ),
    }
}

fn certificate(seen: &Seen, now: Timestamp) -> Finding {
    let Some(until) = seen.until else {
        return Finding::ok("valid for more than a year");
    };
    let days = until.0.saturating_sub(now.0) / DAY;
    let found = format!("valid for {days} days, until {}", until.for_people());
    if days >= RENEWED {
        return Finding::ok(found);
    }
    Finding::warning(
        found,
        "see its renewal status in ACM: its validation record must be in DNS; import one that you \
         got elsewhere again",
    )
}
