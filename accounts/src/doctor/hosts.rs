//! Checks of the hosts: their answers and certificates.

use std::time::Duration;

use hyper_util::rt::TokioIo;
use shared::clock::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use url::Url;

use super::certificate::Tls;
use super::check::{Check, Finding};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};
use crate::quantity::quantity;

/// The time within which a host must answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The number of days before its expiry at which a certificate should have been renewed. ACM renews
/// certificates at least 45 days before expiry (ACM user guide, "Managed certificate renewal").
const RENEWAL_DAYS: u64 = 30;
const DAY: u64 = 86_400;

/// A host of the stack.
struct Host {
    /// The name of the checks.
    name: &'static str,
    /// The outputs with a URL of the host; the first one that exists is checked.
    outputs: [&'static str; 2],
    /// The path to request, which needs no permission and changes nothing.
    path: &'static str,
    /// The expected status if `AsmxProtocols` does not contain `Documentation`.
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
        let response = match url(deployment, host) {
            Ok(url) => Ok(visit(deployment, &url).await),
            Err(error) => Err(error),
        };
        let certificate = match &response {
            Ok(Ok(response)) => Ok(certificate(response, deployment.session.now)),
            Ok(Err(_)) => Err(CheckError::Unknown("no connection to the host".to_owned())),
            Err(error) => Err(error.clone()),
        };
        let answer = response.map(|response| answer(response, expected(deployment, host)));
        checks.push(Check::new(host.name, answer));
        checks.push(Check::new(
            format!("{}, certificate", host.name),
            certificate,
        ));
    }
    checks
}

/// Returns the URL to request.
fn url(deployment: &Deployment<'_>, host: &Host) -> CheckResult<Url> {
    for name in host.outputs {
        if let Some(url) = deployment.output(name)? {
            let url = Url::parse(url).and_then(|url| url.join(host.path));
            return url.map_err(|_| CheckError::Unknown(format!("the output {name} is not a URL")));
        }
    }
    Err(CheckError::Unknown(format!(
        "the stack has no output {}; deploy the current template",
        host.outputs[1]
    )))
}

/// The answer of a host.
struct Response {
    url: Url,
    status: u16,
    /// The expiry of the certificate; `None` if it is valid for more than 400 days.
    until: Option<Timestamp>,
}

/// Requests a page of a host. The error is a message for people.
async fn visit(deployment: &Deployment<'_>, url: &Url) -> Result<Response, String> {
    let visited = timeout(TIMEOUT, open(deployment, url)).await;
    visited.unwrap_or_else(|_| Err("no answer within ten seconds".to_owned()))
}

async fn open(deployment: &Deployment<'_>, url: &Url) -> Result<Response, String> {
    let clock = deployment.session.clock.clone();
    let tls = deployment
        .session
        .configured(|env| Ok(Tls::new(env, clock)));
    let tls = tls.map_err(|error| error.to_string())??;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let (stream, until) = tls.connect(host, port).await?;
    let status = get(stream, url).await;
    let status =
        status.ok_or_else(|| "the host closed the connection without an answer".to_owned())?;
    Ok(Response {
        url: url.clone(),
        status,
        until,
    })
}

/// Sends a GET request and returns the status of the answer, if there is one.
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

/// Returns the expected status of a host.
fn expected(deployment: &Deployment<'_>, host: &Host) -> u16 {
    match deployment.parameter("AsmxProtocols") {
        Ok(protocols) if !protocols.contains("Documentation") => host.undocumented,
        _ => 200,
    }
}

fn answer(response: Result<Response, String>, expected: u16) -> Finding {
    let Response { url, status, .. } = match response {
        Ok(response) => response,
        Err(found) => {
            let advice = "point the DNS record of the host at the output CommonServiceDomainTarget or \
                          RegistrarServicesDomainTarget, and check the certificate in ACM";
            return Finding::failed(found, advice);
        }
    };
    match status {
        _ if status == expected => Finding::ok(format!("{url} answers {status}")),
        403 => Finding::failed(
            format!("{url} answers 403"),
            "point the DNS record at the front door (docs/front-door.md), or check the \
             web ACL",
        ),
        429 => Finding::warning(
            format!("{url} answers 429: too many requests"),
            "try again, and see CommonServiceTooManyRequestsAlarm in docs/operations.md",
        ),
        _ => Finding::failed(
            format!("{url} answers {status}"),
            "check the log of the function (docs/operations.md)",
        ),
    }
}

fn certificate(response: &Response, now: Timestamp) -> Finding {
    let Some(until) = response.until else {
        return Finding::ok("valid for more than a year");
    };
    let days = until.0.saturating_sub(now.0) / DAY;
    let found = format!(
        "valid for {}, until {}",
        quantity(days, "day"),
        until.for_people()
    );
    if days >= RENEWAL_DAYS {
        return Finding::ok(found);
    }
    Finding::warning(
        found,
        "check the renewal status in ACM: the validation record must be in DNS; if the \
         certificate is imported from another authority, renew it there and reimport it",
    )
}
