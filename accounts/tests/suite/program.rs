//! Tests of the program as a process: settings, output and exit codes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::Operator;
use crate::aws::{Query, Seen, cloudformation, refusal, sts};

const ROLE: &str = "arn:aws:sts::123456789012:assumed-role/Operators/jo";

/// A process with an isolated environment.
struct Program {
    variables: Vec<(String, String)>,
}

/// The output and exit code of a process.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Program {
    /// Returns a program on a machine without profiles or instance metadata.
    fn new(variables: &[(&str, &str)]) -> Self {
        let bare = [
            ("HOME", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let variables = bare.iter().chain(variables);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            variables: variables.map(owned).collect(),
        }
    }

    /// Returns a program that uses this sandbox, STS and CloudFormation.
    fn of(operator: &Operator, sts: &Query, cloudformation: &Query) -> Self {
        let backend = &operator.sandbox.backend;
        Self::new(&[
            ("AWS_ENDPOINT_URL_DYNAMODB", &operator.dynamodb_url),
            ("AWS_ENDPOINT_URL_SESV2", &backend.ses_url),
            ("AWS_ENDPOINT_URL_STS", &sts.url),
            ("AWS_ENDPOINT_URL_CLOUDFORMATION", &cloudformation.url),
            ("USER", "jo"),
        ])
    }

    fn with(mut self, variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.variables.extend(variables.iter().map(owned));
        self
    }

    async fn run(&self, line: &[&str]) -> Ended {
        self.run_into(line, Stdio::piped()).await
    }

    /// Runs a command with this standard output.
    async fn run_into(&self, line: &[&str], out: Stdio) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_accounts"));
        command.env_clear().args(line).stdin(Stdio::null());
        command.stdout(out).stderr(Stdio::piped());
        let variables = self.variables.iter();
        command.envs(variables.map(|(name, value)| (name, value)));
        let output = spawn_blocking(move || command.spawn()?.wait_with_output()).await;
        Ended::from(output.unwrap().unwrap())
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    fn error(&self) -> &str {
        self.err.trim_end().strip_prefix("error: ").unwrap()
    }
}

const KEYS: [(&str, &str); 3] = [
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

/// Starts a CloudFormation whose stack has the tables of the sandbox and its own sender.
async fn stack_of(operator: &Operator) -> Query {
    let tables = &operator.sandbox.backend.tables;
    cloudformation(
        &[
            ("UsersTableName", &tables.users),
            ("AuditTableName", &tables.audit),
            ("BrandsTableName", &tables.brands),
            ("LimitsTableName", &tables.limits),
            ("SessionsTableName", &tables.sessions),
        ],
        &[
            ("ProductName", "Flood Watch"),
            ("MailFrom", "Flood Watch <no-reply@floodwatch.example>"),
            ("SupportContact", "help@floodwatch.example"),
            ("LoginUrl", "https://floodwatch.example"),
            ("ResetMode", "dual"),
        ],
    )
    .await
}

#[tokio::test]
async fn version_is_that_of_the_workspace() {
    let ended = Program::new(&[]).run(&["--version"]).await;
    let expected = format!("accounts {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((ended.code, ended.out), (0, expected));
}

#[tokio::test]
async fn completions_contain_all_commands() {
    let program = Program::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let ended = program.run(&["completions", shell]).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        for word in ["check-keys", "users-table"] {
            assert!(ended.out.contains(word), "{shell} does not know {word}");
        }
    }
    let script = program.run(&["completions", "bash"]).await.out;
    let mut bash = Command::new("bash");
    let mut bash = bash.arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    let mut input = bash.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    drop(input);
    assert!(bash.wait().unwrap().success());
}

#[tokio::test]
async fn every_command_has_a_manual_page() {
    let program = Program::new(&[]);
    let page = program.run(&["man"]).await.out;
    assert!(page.contains(".TH accounts 1"), "{page}");
    assert!(page.contains("Exit codes: 0 success"), "{page}");
    let page = program.run(&["man", "brand", "set"]).await.out;
    assert!(page.contains(".TH accounts-brand-set 1"), "{page}");
    assert!(page.contains("configuration\\-set"), "{page}");
    let ended = program.run(&["man", "brand", "paint"]).await;
    let error = "command brand paint not found; see `accounts help`";
    assert_eq!((ended.code, ended.error()), (3, error));
}

#[tokio::test]
async fn one_error_names_all_missing_settings() {
    let region = "no region found: use --region, set AWS_REGION, or use a profile with a region";
    let keys = "no AWS credentials found: use --profile, or set AWS_PROFILE, or \
                AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    let stack = "use --stack to name the stack";
    let who = "no operator name: use --operator or set USER";
    let program = Program::new(&[]);
    for (line, missing) in [
        (
            &["show", "jdoe"][..],
            format!("{region}; {keys}; USERS_TABLE is not set: {stack}"),
        ),
        (
            &["audit", "jdoe"],
            format!("{region}; {keys}; AUDIT_TABLE is not set: {stack}"),
        ),
        (
            &["brand", "list"],
            format!("{region}; {keys}; BRANDS_TABLE is not set: {stack}"),
        ),
        (
            &["--endpoint", "http://127.0.0.1:1", "brand", "preview"],
            "BRANDS_TABLE, PRODUCT_NAME, MAIL_FROM, SUPPORT_CONTACT and LOGIN_URL are not set"
                .to_owned(),
        ),
        (
            &["import", "users.csv"],
            format!("{region}; {keys}; USERS_TABLE and AUDIT_TABLE are not set: {stack}; {who}"),
        ),
        (
            &["--region", "eu-west-1", "reset", "jdoe"],
            format!(
                "{keys}; USERS_TABLE, LIMITS_TABLE, AUDIT_TABLE, BRANDS_TABLE, PRODUCT_NAME, \
                 MAIL_FROM, SUPPORT_CONTACT and LOGIN_URL are not set: {stack}; {who}"
            ),
        ),
        (
            &["--stack", "passwords", "disable", "jdoe"],
            format!("{region}; {keys}; {who}"),
        ),
        (
            &["--endpoint", "http://127.0.0.1:1", "disable", "jdoe"],
            format!("USERS_TABLE and AUDIT_TABLE are not set; {who}"),
        ),
    ] {
        let ended = program.run(line).await;
        assert_eq!(
            (ended.code, ended.error()),
            (2, missing.as_str()),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_stack_provides_tables_and_sender() {
    let operator = Operator::start().await;
    let (sts, stack) = (sts(ROLE).await, stack_of(&operator).await);
    let program = Program::of(&operator, &sts, &stack).with(&KEYS);
    // The stack takes precedence over the environment.
    let program = program.with(&[("USERS_TABLE", "Nowhere"), ("MAIL_FROM", "me@example.com")]);
    let ended = program.run(&["--stack", "passwords", "reset", "bob"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let mails = operator.sandbox.backend.outbox.mails();
    assert_eq!(mails[0].from, "Flood Watch <no-reply@floodwatch.example>");
    let call = &stack.seen()[0];
    assert!(call.body.contains("StackName=passwords"), "{call:?}");
    assert!(
        call.signature.contains("/eu-west-1/cloudformation/"),
        "{call:?}"
    );

    // ACCOUNTS_STACK works like --stack, and an ARN contains the region.
    let arn = "arn:aws:cloudformation:ap-south-1:123456789012:stack/passwords/1";
    let program = program.with(&[("ACCOUNTS_STACK", arn)]);
    let ended = program.run(&["show", "jdoe"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let call = &stack.seen()[1];
    assert!(
        call.signature.contains("/ap-south-1/cloudformation/"),
        "{call:?}"
    );

    // An option takes precedence, and a custom endpoint has no stack.
    let ended = program
        .run(&["--users-table", "Other", "show", "jdoe"])
        .await;
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended.error().starts_with("table Other not found "),
        "{ended:?}"
    );
    let line = ["--endpoint", &operator.dynamodb_url, "show", "jdoe"];
    let ended = program.run(&line).await;
    assert!(
        ended.error().starts_with("table Nowhere not found "),
        "{ended:?}"
    );
    let line = [&line[..], &["--stack", "passwords"]].concat();
    let ended = program.run(&line).await;
    let error = "--endpoint and --stack cannot be used together";
    assert_eq!((ended.code, ended.error()), (2, error));
}

#[tokio::test]
async fn an_unreadable_stack_is_reported_with_the_reason() {
    let operator = Operator::start().await;
    let sts = sts(ROLE).await;
    let denied = "User: arn:aws:sts::123456789012:assumed-role/Operators/jo is not authorized to \
                  perform: cloudformation:DescribeStacks on resource: \
                  arn:aws:cloudformation:eu-west-1:123456789012:stack/passwords/* because no \
                  identity-based policy allows the cloudformation:DescribeStacks action";
    let busy = "Rate exceeded";
    for (code, message, exit_code, error) in [
        (
            "ValidationError",
            "Stack with id passwords does not exist",
            3,
            "stack passwords not found in eu-west-1",
        ),
        (
            "AccessDenied",
            denied,
            1,
            "permission denied: cloudformation:DescribeStacks on \
             arn:aws:cloudformation:eu-west-1:123456789012:stack/passwords/* in eu-west-1",
        ),
        (
            "Throttling",
            busy,
            75,
            "CloudFormation refused the request in eu-west-1: Throttling: Rate exceeded",
        ),
    ] {
        let body = refusal(code, message);
        let stack = Query::start(move |_| (StatusCode::BAD_REQUEST, body.clone())).await;
        let program = Program::of(&operator, &sts, &stack).with(&KEYS);
        let ended = program.run(&["--stack", "passwords", "show", "jdoe"]).await;
        assert!(ended.error().starts_with(error), "{ended:?}");
        assert_eq!(ended.code, exit_code, "{ended:?}");
    }
}

#[tokio::test]
async fn a_stack_without_the_tables_is_refused() {
    let operator = Operator::start().await;
    let tables = &operator.sandbox.backend.tables;
    let sts = sts(ROLE).await;
    for (outputs, missing) in [
        (
            &[][..],
            "UsersTableName, AuditTableName, BrandsTableName, LimitsTableName, SessionsTableName",
        ),
        (
            &[
                ("UsersTableName", tables.users.as_str()),
                ("BrandsTableName", &tables.brands),
                ("LimitsTableName", &tables.limits),
                ("SessionsTableName", &tables.sessions),
            ],
            "AuditTableName",
        ),
    ] {
        let stack = cloudformation(outputs, &[]).await;
        let program = Program::of(&operator, &sts, &stack).with(&KEYS);
        // Variables in the environment do not help, because they may belong to another stack.
        let program = program.with(&[
            ("USERS_TABLE", &tables.users),
            ("AUDIT_TABLE", &tables.audit),
        ]);
        let ended = program.run(&["--stack", "shop", "disable", "jdoe"]).await;
        let error = format!(
            "stack shop is not a stack of the password services; missing outputs: {missing}"
        );
        assert_eq!((ended.code, ended.error()), (2, error.as_str()));
        assert!(!operator.user("jdoe").await.contains_key("disabled"));
    }
}

/// Writes an AWS CLI configuration and returns its path.
fn configuration(directory: &Path) -> String {
    let path = directory.join("config");
    let text = "[profile base]\nregion = eu-north-1\naws_access_key_id = AKIABASE\n\
                aws_secret_access_key = secret\n\
                [profile ops]\nregion = eu-central-1\nsource_profile = base\n\
                role_arn = arn:aws:iam::123456789012:role/Operators\n\
                [profile signed-off]\nregion = eu-central-1\nsso_session = corp\n\
                sso_account_id = 123456789012\nsso_role_name = Operators\n\
                [sso-session corp]\nsso_region = eu-central-1\n\
                sso_start_url = https://corp.awsapps.com/start\n";
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_profile_provides_region_and_credentials() {
    let operator = Operator::start().await;
    let directory = TempDir::new().unwrap();
    let file = configuration(directory.path());
    let (sts, stack) = (sts(ROLE).await, stack_of(&operator).await);
    let program = Program::of(&operator, &sts, &stack);
    let program = program.with(&[("AWS_CONFIG_FILE", &file), ("ACCOUNTS_STACK", "passwords")]);
    let ended = program.run(&["--profile", "base", "disable", "bob"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let calls = sts.seen();
    assert!(calls[0].signature.contains("AKIABASE/"), "{calls:?}");
    assert!(calls[0].signature.contains("/eu-north-1/"), "{calls:?}");

    // --profile takes precedence over keys in the environment, and --region over its region.
    let program = program.with(&KEYS[1..]);
    let line = ["--profile", "ops", "--region", "eu-west-3", "enable", "bob"];
    let ended = program.run(&line).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let calls = sts.seen();
    let last = |action: &str| {
        let mut calls = calls.iter().rev();
        calls.find(|call| call.body.contains(action)).unwrap()
    };
    let (assumed, identity) = (last("Action=AssumeRole"), last("Action=GetCallerIdentity"));
    let is_assumption = |call: &&Seen| call.body.contains("Action=AssumeRole");
    // Once to check the credentials, and once for all services together.
    assert_eq!(calls.iter().filter(is_assumption).count(), 2, "{calls:?}");
    assert!(assumed.signature.contains("AKIABASE/"), "{assumed:?}");
    assert!(identity.signature.contains("ASIAROLE/"), "{identity:?}");
    assert!(identity.signature.contains("/eu-west-3/"), "{identity:?}");
}

#[tokio::test]
async fn a_profile_without_credentials_is_reported() {
    let directory = TempDir::new().unwrap();
    let file = configuration(directory.path());
    let program = Program::new(&[("AWS_CONFIG_FILE", &file), ("USERS_TABLE", "Users")]);
    for (profile, reasons) in [
        (
            "nobody",
            &["the AWS CLI configuration has no profile nobody with credentials"][..],
        ),
        (
            "signed-off",
            &[
                "cannot get credentials from profile signed-off: ",
                "aws sso login --profile signed-off",
            ],
        ),
    ] {
        let line = [
            "--profile",
            profile,
            "--region",
            "eu-west-1",
            "show",
            "jdoe",
        ];
        let ended = program.run(&line).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        for reason in reasons {
            assert!(ended.error().contains(reason), "{ended:?}");
        }
    }
}

#[tokio::test]
async fn a_profile_without_a_file_is_not_found() {
    let program = Program::new(&[("USERS_TABLE", "Users")]);
    let line = ["--profile", "nope", "--region", "eu-west-1", "show", "jdoe"];
    let ended = program.run(&line).await;
    let error = "the AWS CLI configuration has no profile nope with credentials";
    assert_eq!((ended.code, ended.error()), (2, error));
}

/// The metadata service of an instance may refuse access.
#[tokio::test]
async fn instance_metadata_without_credentials_means_no_credentials() {
    let router = Router::new().fallback(async || StatusCode::FORBIDDEN);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let program = Program::new(&[("USERS_TABLE", "Users")]).with(&[
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
    ]);
    let line = ["--region", "eu-west-1", "show", "jdoe"];
    let ended = program.run(&line).await;
    let error = "no AWS credentials found: use --profile, ";
    assert!(ended.error().starts_with(error), "{ended:?}");
    assert_eq!(ended.code, 2, "{ended:?}");
}

/// The first line is the problem, the second one the usage.
#[tokio::test]
async fn usage_errors_are_two_lines() {
    let program = Program::new(&[]);
    let number = "must be a whole number of at least 1";
    for (line, error, usage) in [
        (
            &["show"][..],
            "the following required arguments were not provided: <USER>",
            "Usage: accounts show <USER>",
        ),
        (
            &["set", "jdoe", "--emial", "x"],
            "unexpected argument '--emial' found; a similar argument exists: '--email'",
            "Usage: accounts set ",
        ),
        (
            &["list", "--limit", "0"],
            &format!("invalid value '0' for '--limit <NUMBER>': {number}"),
            "",
        ),
        (
            &["list", "--limit", "-1"],
            &format!("invalid value '-1' for '--limit <NUMBER>': {number}"),
            "",
        ),
        (
            &["reset", "--from", "x", "--from-line", "one"],
            &format!("invalid value 'one' for '--from-line <NUMBER>': {number}"),
            "",
        ),
        (
            &["reset", "--from", "x", "--per-minute", "0"],
            &format!("invalid value '0' for '--per-minute <NUMBER>': {number}"),
            "",
        ),
        (
            &["add", "jane", "--id", "-1"],
            "invalid value '-1' for '--id <NUMBER>': id must be a whole number",
            "",
        ),
        (
            &["import", "x", "--format", "xls"],
            "invalid value 'xls' for '--format <FORMAT>' [possible values: csv, jsonl]",
            "",
        ),
    ] {
        let ended = program.run(line).await;
        let (first, rest) = ended.err.split_once('\n').unwrap();
        assert_eq!(first, format!("error: {error}"));
        assert!(rest.starts_with(usage), "{ended:?}");
        assert!(rest.lines().count() <= 1, "{ended:?}");
        let ended = program.run(&[&["--json"], line].concat()).await;
        let expected = json!({ "error": "usage", "message": error });
        let found: Value = serde_json::from_str(&ended.err).unwrap();
        assert_eq!((ended.code, found), (2, expected));
    }
    let ended = program.run(&["--json"]).await;
    let found: Value = serde_json::from_str(&ended.err).unwrap();
    assert_eq!(found["message"], "no command given; see `accounts help`");
}

/// A full disk prevents the report, but not the change.
#[tokio::test]
async fn an_error_says_that_the_change_was_made_if_it_could_not_be_printed() {
    let operator = Operator::start().await;
    let (sts, stack) = (sts(ROLE).await, stack_of(&operator).await);
    let program = Program::of(&operator, &sts, &stack).with(&KEYS);
    let program = program.with(&[("ACCOUNTS_STACK", "passwords")]);
    for (line, error) in [
        (
            &["disable", "jdoe"][..],
            "the change was made, but the output could not be written: No space left on device",
        ),
        (
            &["show", "jdoe"],
            "cannot write the output: No space left on device",
        ),
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let ended = program.run_into(line, full.into()).await;
        assert_eq!((ended.code, ended.error()), (74, error));
    }
    assert_eq!(operator.user("jdoe").await["disabled"].as_bool(), Ok(&true));
}

#[tokio::test]
async fn scripts_get_exit_codes_and_json_errors() {
    let operator = Operator::start().await;
    let (sts, stack) = (sts(ROLE).await, stack_of(&operator).await);
    let program = Program::of(&operator, &sts, &stack).with(&KEYS);
    let program = program.with(&[("ACCOUNTS_STACK", "passwords")]);
    let nowhere = ["--endpoint", "http://127.0.0.1:1", "--users-table", "Users"];
    for (line, code, name) in [
        (&["disable", "admin"][..], 1, "refused"),
        (&["disable", "--fast"], 2, "usage"),
        (&["show"], 2, "usage"),
        (&["show", "nobody"], 3, "not_found"),
        (&["import", "nowhere.csv"], 3, "not_found"),
        (&["brand", "show", "nobody"], 3, "not_found"),
        (&[&nowhere[..], &["show", "jdoe"]].concat(), 75, "try_again"),
    ] {
        let ended = program.run(line).await;
        assert_eq!(ended.code, code, "{ended:?}");
        let ended = program.run(&[line, &["--json"]].concat()).await;
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{ended:?}");
        let error: Value = serde_json::from_str(&ended.err).unwrap();
        assert_eq!(error["error"], name, "{ended:?}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{ended:?}");
    }
    let ended = program.run(&["enable", "jdoe", "--json"]).await;
    let done: Value = serde_json::from_str(&ended.out).unwrap();
    let expected = json!({ "username": "jdoe", "changed": false, "event": null });
    assert_eq!((ended.code, done), (0, expected));
}
