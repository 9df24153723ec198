//! Tests of `doctor` on a fake AWS with one fault at a time, and on `local`.

mod aws;
mod dns;
mod host;
mod world;

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{Answer, Operator};
use aws::{Aws, refusal};
use host::{Days, Host, Shown};

const RECORDS: &[(&str, &str)] = &[
    ("_dmarc.example.com.", "v=DMARC1; p=quarantine"),
    (
        "_dmarc.acme.example.",
        "v=DMARC1; p=reject; rua=mailto:d@acme.example",
    ),
    ("_dmarc.acme.example.", "google-site-verification=1"),
];

/// An operator who runs `doctor`, with a DNS server.
struct Examiner {
    operator: Operator,
    dns: String,
}

impl Examiner {
    /// Starts an examiner with a DNS server that has these records.
    async fn start(records: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            operator: Operator::start().await,
            dns: dns::start(records).await.to_string(),
        }
    }

    /// Runs `doctor` on the stack of a fake AWS.
    async fn examine(&self, aws: &Aws) -> Answer {
        self.examine_with(aws, &["--json"], &[]).await
    }

    /// Runs `doctor` with these options and variables.
    async fn examine_with(&self, aws: &Aws, options: &[&str], changes: &[(&str, &str)]) -> Answer {
        let variables = [
            ("AWS_ENDPOINT_URL", aws.url.as_str()),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("ACCOUNTS_STACK", "passwords"),
        ];
        let variables: Vec<_> = changes.iter().chain(&variables).copied().collect();
        let line = [&["doctor", "--dns-server", &self.dns], options].concat();
        self.operator.run_at(&line, "", &variables).await
    }
}

/// Returns the JSON object of a check.
fn check(answer: &Answer, subject: &str) -> Value {
    let checks = answer.json();
    let found = checks.iter().find(|check| check["check"] == subject);
    assert!(found.is_some(), "no check {subject} in {answer:?}");
    found.unwrap().clone()
}

/// Returns the checks that are not ok, without hosts, which have their own test.
fn others(answer: &Answer) -> Vec<String> {
    let checks = answer.json();
    let checks = checks.iter().filter(|check| {
        let is_host = check["check"]
            .as_str()
            .is_some_and(|name| name.starts_with("Host "));
        check.get("result").is_some_and(|result| result != "ok") && !is_host
    });
    checks
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_healthy_deployment_passes_all_checks() {
    let aws = Aws::start().await;
    let answer = Examiner::start(RECORDS).await.examine(&aws).await;
    assert_eq!(others(&answer), Vec::<String>::new(), "{answer:?}");
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    assert_eq!(answer.err, "");
    let counts = answer.json().pop().unwrap();
    let total = answer.json().len() - 1;
    assert_eq!(counts["failed"], 0);
    // The four checks of hosts, which the stack does not name.
    assert_eq!(counts["not_checked"], 4);
    assert_eq!(counts["ok"], total - 4);
}

/// `faults.json` contains a change to the answers (a JSON pointer and the new value, or `null` to
/// remove it), and the expected result and words of a check.
#[tokio::test]
async fn every_fault_is_found_with_advice() {
    let faults: Vec<Value> = serde_json::from_str(include_str!("faults.json")).unwrap();
    assert!(!faults.is_empty());
    let examiner = Examiner::start(RECORDS).await;
    for fault in faults {
        let aws = Aws::start().await;
        aws.set(fault["at"].as_str().unwrap(), fault["is"].clone());
        let answer = examiner.examine(&aws).await;
        let check = check(&answer, fault["check"].as_str().unwrap());
        assert_eq!(check["result"], fault["result"], "{fault}: {check}");
        let text = format!("{} {}", check["found"], check["advice"]);
        assert!(
            text.contains(fault["says"].as_str().unwrap()),
            "{fault}: {text}"
        );
        let has_failed = answer
            .json()
            .iter()
            .any(|check| check["result"] == "failed");
        let expected = if has_failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
        assert_eq!(answer.exit_code, expected, "{fault}");
    }
}

/// In accounts.md, a line of `…` stands for any lines.
#[tokio::test]
async fn accounts_md_shows_what_doctor_prints() {
    let aws = Aws::start().await;
    aws.set(
        "/DescribeTable Users/Table/DeletionProtectionEnabled",
        json!(false),
    );
    aws.set(
        "/~1v2~1email~1account/ProductionAccessEnabled",
        json!(false),
    );
    aws.set("/DescribeAlarms", refusal("AccessDenied", "no"));
    let examiner = Examiner::start(RECORDS).await;
    let answer = examiner.examine_with(&aws, &[], &[]).await;

    let page = include_str!("../../../../docs/accounts.md");
    let (_, shown) = page.split_once("\n$ accounts doctor\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let mut rest = answer.out.as_str();
    for part in shown.split("…\n") {
        let found = rest.split_once(part);
        assert!(found.is_some(), "{part} is not in {rest}");
        rest = found.unwrap().1;
    }
    assert_eq!(rest, "");
}

/// SES uses the identity of a parent domain if neither the address nor its domain has one.
#[tokio::test]
async fn a_sender_may_use_the_identity_of_a_parent_domain() {
    let aws = Aws::start().await;
    let below = "/~1v2~1email~1identities~1mail.example.com";
    let identity = aws.get(below);
    aws.set(below, Value::Null);
    aws.set("/~1v2~1email~1identities~1example.com", identity);
    let examiner = Examiner::start(RECORDS).await;
    let answer = examiner.examine(&aws).await;
    let sender = "sender no-reply@mail.example.com";
    assert_eq!(check(&answer, sender)["found"], "verified as example.com");
    let arn = check(&answer, &format!("{sender} in MailArns"));
    let advice = "add the ARN of example.com to MailArns, and deploy";
    assert_eq!(
        arn["advice"], advice,
        "the ARN of the subdomain does not help"
    );
}

#[tokio::test]
async fn dmarc_records_are_checked() {
    for (records, result, words) in [
        (&[][..], "failed", "_dmarc.mail.example.com"),
        (
            &[("_dmarc.mail.example.com.", "v=DMARC1")],
            "failed",
            "has no policy",
        ),
        (
            &[("_dmarc.mail.example.com.", "v=spf1 -all")],
            "failed",
            "no DMARC record",
        ),
        (
            &[("_dmarc.mail.example.com.", "v=DMARC1; p=none")],
            "ok",
            "p=none at _dmarc.mail.example.com",
        ),
        (RECORDS, "ok", "p=quarantine at _dmarc.example.com"),
    ] {
        let examiner = Examiner::start(records).await;
        let answer = examiner.examine(&Aws::start().await).await;
        let check = check(&answer, "sender no-reply@mail.example.com DMARC");
        assert_eq!(check["result"], result, "{check}");
        let text = format!("{} {}", check["found"], check["advice"]);
        assert!(text.contains(words), "{text}");
    }
}

/// `denials.json` contains a call that IAM denies, the error code of its service, a check that
/// needs the call, and the missing permission.
#[tokio::test]
async fn denied_calls_name_the_missing_permission() {
    let denials: Vec<Value> = serde_json::from_str(include_str!("denials.json")).unwrap();
    assert!(!denials.is_empty());
    let examiner = Examiner::start(RECORDS).await;
    for denial in denials {
        let text = |name: &str| denial[name].as_str().unwrap();
        let permission = text("permission");
        for message in [denied(permission), "no".to_owned()] {
            let aws = Aws::start().await;
            let pointer = format!("/{}", text("call").replace('/', "~1"));
            aws.set(&pointer, refusal(text("code"), &message));
            let answer = examiner.examine(&aws).await;
            let check = check(&answer, text("check"));
            assert_eq!(check["result"], "not_checked", "{check}");
            assert_eq!(check["permission"], permission, "{check}");
            let found = format!("permission {permission} is missing");
            assert_eq!(check["found"], found, "{check}");
            assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
        }
    }
}

/// Returns IAM's message about a denial.
fn denied(action: &str) -> String {
    format!(
        "User: arn:aws:sts::123456789012:assumed-role/Operators/jo is not authorized to perform: \
         {action} because no identity-based policy allows it"
    )
}

#[tokio::test]
async fn unreadable_brands_name_the_missing_permission() {
    let action = "dynamodb:Scan on resource: arn:aws:dynamodb:eu-west-1:1:table/Brands";
    let aws = Aws::start().await;
    aws.set(
        "/Scan Brands",
        refusal("AccessDeniedException", &denied(action)),
    );
    let answer = Examiner::start(RECORDS).await.examine(&aws).await;
    let check = check(&answer, "Brands");
    let found = check["found"].as_str().unwrap();
    assert!(found.contains("dynamodb:Scan on table Brands"), "{check}");
}

#[tokio::test]
async fn hosts_and_their_certificates_are_checked() {
    const NOW: (i32, u8, u8) = (2026, 11, 21);
    let from = (2026, 1, 1);
    let localhost = "localhost";
    let good: Days = (from, (2027, 6, 1));
    for (name, days, status, host, certificate) in [
        (
            localhost,
            good,
            200,
            ("ok", "answers"),
            ("ok", "valid for 191 days"),
        ),
        (
            localhost,
            (from, (2026, 12, 1)),
            200,
            ("ok", "answers"),
            ("warning", "valid for 9 days"),
        ),
        (
            localhost,
            (from, (2028, 6, 1)),
            200,
            ("ok", "answers"),
            ("ok", "more than a year"),
        ),
        (
            localhost,
            (from, NOW),
            200,
            ("failed", "expired at 2026-11-21"),
            ("not_checked", "no connection"),
        ),
        (
            localhost,
            ((2026, 12, 1), (2027, 6, 1)),
            200,
            ("failed", "not valid yet"),
            ("not_checked", "no connection"),
        ),
        (
            "example.com",
            good,
            200,
            ("failed", "for another host name"),
            ("not_checked", "no connection"),
        ),
        (
            localhost,
            good,
            403,
            ("failed", "front door"),
            ("ok", "valid"),
        ),
        (
            localhost,
            good,
            429,
            ("warning", "too many"),
            ("ok", "valid"),
        ),
        (
            localhost,
            good,
            503,
            ("failed", "answers 503"),
            ("ok", "valid"),
        ),
    ] {
        let shown = Shown { name, days, status };
        let served = Host::start(shown).await;
        let answer = visited(&served, &served).await;
        for service in ["ResetUserPassword", "UpdateUserRegistrationPassword"] {
            let subject = format!("Host of {service}");
            for (subject, (result, words)) in [
                (subject.clone(), host),
                (format!("{subject}, certificate"), certificate),
            ] {
                let check = check(&answer, &subject);
                assert_eq!(check["result"], result, "{check}");
                let text = format!("{} {}", check["found"], check["advice"]);
                assert!(text.contains(words), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_from_an_unknown_authority_fails() {
    let shown = || Shown {
        name: "localhost",
        days: ((2026, 1, 1), (2027, 6, 1)),
        status: 200,
    };
    let (served, other) = (Host::start(shown()).await, Host::start(shown()).await);
    let answer = visited(&served, &other).await;
    let check = check(&answer, "Host of ResetUserPassword");
    assert_eq!(check["result"], "failed", "{check}");
    let found = check["found"].as_str().unwrap();
    assert!(found.contains("not from a trusted authority"), "{check}");
}

/// The custom domain takes precedence over the URL of API Gateway. Without `Documentation`,
/// `ResetUserPassword` serves no page.
#[tokio::test]
async fn without_documentation_the_host_of_resets_must_answer_405() {
    let served = Host::start(Shown {
        name: "localhost",
        days: ((2026, 1, 1), (2027, 6, 1)),
        status: 405,
    })
    .await;
    let aws = Aws::start().await;
    for service in ["ResetUserPassword", "UpdateUserRegistrationPassword"] {
        let url = format!("{}/{service}", served.url);
        aws.set(&format!("/outputs/{service}DomainUrl"), url.into());
        let url = "https://api.invalid/";
        aws.set(&format!("/outputs/{service}Url"), url.into());
    }
    aws.set("/parameters/AsmxProtocols", "HttpGet,Soap".into());
    let authority = served.authority.path().to_str().unwrap();
    let variables = [("SSL_CERT_FILE", authority)];
    let examiner = Examiner::start(RECORDS).await;
    let answer = examiner.examine_with(&aws, &["--json"], &variables).await;
    for (service, result) in [
        ("ResetUserPassword", "ok"),
        ("UpdateUserRegistrationPassword", "failed"),
    ] {
        let check = check(&answer, &format!("Host of {service}"));
        assert_eq!(check["result"], result, "{check}");
        let found = check["found"].as_str().unwrap();
        assert!(found.ends_with("answers 405"), "{check}");
    }
}

/// Runs `doctor` on a stack whose hosts are `host`, trusting the authority of `trusted`.
async fn visited(host: &Host, trusted: &Host) -> Answer {
    let aws = Aws::start().await;
    for (output, path) in [
        ("ResetUserPasswordUrl", "/webservices/IFCommonService.asmx"),
        (
            "UpdateUserRegistrationPasswordUrl",
            "/UpdateUserRegistrationPassword",
        ),
    ] {
        let url = format!("{}{path}", host.url);
        aws.set(&format!("/outputs/{output}"), url.into());
    }
    let authority = trusted.authority.path().to_str().unwrap();
    let examiner = Examiner::start(RECORDS).await;
    let variables = [("SSL_CERT_FILE", authority)];
    examiner.examine_with(&aws, &["--json"], &variables).await
}

#[tokio::test]
async fn people_get_one_line_per_check() {
    let aws = Aws::start().await;
    aws.set("/DescribeKey/KeyMetadata/KeyState", json!("Disabled"));
    aws.set(
        "/~1v2~1email~1account",
        refusal("AccessDeniedException", "no"),
    );
    let examiner = Examiner::start(RECORDS).await;
    let answer = examiner.examine_with(&aws, &[], &[]).await;
    assert_eq!(answer.exit_code, ExitCode::FAILURE);
    let key = "failed       Key: cannot be used in the state Disabled; with the deployer's role, run aws kms enable-key --key-id \
               arn:aws:kms:eu-west-1:123456789012:key/k-1";
    let ses = "not checked  SES sandbox: permission ses:GetAccount is missing";
    for line in [key, ses, "ok           UsersTable: Users is active"] {
        assert!(
            answer.out.lines().any(|found| found == line),
            "{line}\n{}",
            answer.out
        );
    }
    let last = answer.out.lines().last().unwrap();
    assert!(
        last.ends_with(" ok, 0 warnings, 1 failed, 8 not checked"),
        "{last}"
    );
}

/// `--endpoint` prevents calls to services at AWS.
#[tokio::test]
async fn with_a_custom_endpoint_only_tables_are_checked() {
    let operator = Operator::start().await;
    let answer = operator.run(&["doctor", "--json"]).await;
    assert_eq!(answer.exit_code, ExitCode::SUCCESS, "{answer:?}");
    for subject in [
        "UsersTable",
        "UsersTable email-index",
        "SessionsTable",
        "Brands",
        "Argon2 cost",
    ] {
        assert_eq!(check(&answer, subject)["result"], "ok", "{answer:?}");
    }
    for (subject, words) in [
        ("UsersTable recovery", "skipped with --endpoint"),
        ("Key", "skipped: no stack"),
        ("ResetUserPasswordFunction", "skipped: no stack"),
        (
            "SES account",
            "the endpoint does not support ses:GetAccount",
        ),
        ("sender no-reply@pumpalarm.com DMARC", "use --dns-server"),
        ("Alarm subscription", "skipped: no stack"),
        ("Host of ResetUserPassword", "skipped: no stack"),
    ] {
        let check = check(&answer, subject);
        assert_eq!(check["result"], "not_checked", "{check}");
        assert!(check["found"].as_str().unwrap().contains(words), "{check}");
    }
    assert_eq!(answer.err, "");
    let checks = answer.json();
    let skipped = checks.iter().filter(|check| {
        let found = check["found"].as_str();
        found.is_some_and(|found| found.starts_with("skipped: no stack"))
    });
    let line = format!(
        "not checked  {} checks: skipped: no stack, because",
        skipped.count()
    );
    let answer = operator.run(&["doctor"]).await;
    let lines = || {
        answer
            .out
            .lines()
            .filter(|found| found.contains("skipped: no stack"))
    };
    assert!(lines().all(|found| found.starts_with(&line)), "{answer:?}");
    assert_eq!(lines().count(), 1);
}

/// `AWS_ENDPOINT_URL_DYNAMODB` alone prevents calls to other services at AWS.
#[tokio::test]
async fn a_custom_dynamodb_endpoint_prevents_calls_to_other_services() {
    let (aws, stack) = (Aws::start().await, Aws::start().await);
    let variables = [
        ("AWS_ENDPOINT_URL", ""),
        ("AWS_ENDPOINT_URL_DYNAMODB", aws.url.as_str()),
        ("AWS_ENDPOINT_URL_SESV2", &aws.url),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", &stack.url),
    ];
    let examiner = Examiner::start(RECORDS).await;
    let answer = examiner.examine_with(&aws, &["--json"], &variables).await;
    for (subject, words) in [
        ("Key", "no KMS endpoint given; set AWS_ENDPOINT_URL_KMS"),
        ("Concurrency", "no Lambda endpoint given"),
        ("Alarm states", "no CloudWatch endpoint given"),
        ("Alarm subscription", "no SNS endpoint given"),
        ("ResetUserPasswordRole", "no IAM endpoint given"),
    ] {
        let check = check(&answer, subject);
        assert!(check["found"].as_str().unwrap().contains(words), "{check}");
    }
    let calls = [
        "DescribeStacks",
        "ListStackResources",
        "ListStackResources 2",
    ];
    assert_eq!(stack.calls(), calls);
}
