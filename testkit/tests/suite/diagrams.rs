//! The diagrams in docs/architecture.md: the connections in template.yaml, and the calls that the
//! functions make.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::slice::from_ref;

use axum::body::Bytes;
use http::Request;
use serde_json::{Map, Value, json};
use testkit::diagram::assert_shown;
use testkit::faults::World;
use testkit::relay::{Call, Relays};
use testkit::requests::{reset_form, set_password};

use crate::template::{RESET, UPDATE, permitted, template};

/// The arrows to APIs and functions, and from functions to what they may call.
#[test]
fn architecture_md_shows_the_connections_of_the_template() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let mut arrows = front_doors(resources).collect::<BTreeSet<_>>();
    for function in [RESET, UPDATE] {
        let events = &resources[function]["Properties"]["Events"];
        for (name, event) in events.as_object().unwrap() {
            let api = event["Properties"]["ApiId"].as_str().map(str::to_owned);
            let source = api.unwrap_or_else(|| format!("{name}([{name}])"));
            arrows.insert(format!("{source} --> {function}"));
        }
        for (action, resource) in permitted(&template, function) {
            let table = resource.split('/').next().unwrap_or_default();
            match action.split(':').next() {
                Some("dynamodb") => arrows.insert(format!("{function} --> {table}[({table})]")),
                Some("ses") => arrows.insert(format!("{function} --> SES")),
                _ => continue,
            };
        }
    }
    let lines: String = arrows.iter().map(|arrow| format!("  {arrow}\n")).collect();
    assert_shown("connections", &format!("flowchart LR\n{lines}"));
}

/// The arrows from front doors to the APIs of the domains to which they forward.
fn front_doors(resources: &Map<String, Value>) -> impl Iterator<Item = String> {
    let of_type = |name: &'static str| {
        let found = resources.iter().filter(move |(_, r)| r["Type"] == name);
        found.map(|(id, resource)| (id, &resource["Properties"]))
    };
    of_type("AWS::CloudFront::Distribution").map(move |(id, properties)| {
        let origin = &properties["DistributionConfig"]["Origins"][0]["DomainName"];
        let domain = origin.as_str().unwrap().split('.').next();
        let mut mappings = of_type("AWS::ApiGatewayV2::ApiMapping");
        let mapping = mappings.find(|(_, mapping)| mapping["DomainName"].as_str() == domain);
        let api = mapping.unwrap().1["ApiId"].as_str().unwrap();
        format!("{id} -.-> {api}")
    })
}

/// A function on a backend behind relays, which record its calls.
struct Recorder {
    function: &'static str,
    relays: Relays,
    world: World,
}

impl Recorder {
    async fn start(function: &'static str) -> Self {
        let relays = Relays::start(&testkit::backend().await).unwrap();
        let world = World::new(&relays.backend, &[]).await.unwrap();
        Self {
            function,
            relays,
            world,
        }
    }

    /// Adds a copy of a demo account, and returns its name.
    async fn account(&self, of: &str) -> String {
        let item = self.world.copy_of(of).await.unwrap();
        self.world.put(&item).await.unwrap();
        item["username"].as_s().unwrap().clone()
    }

    /// The calls during a request, and its answer, as arrows.
    async fn request(&self, request: &Request<Bytes>) -> Vec<String> {
        self.relays.take_calls();
        let status = self.world.send(request).await.status();
        let answer = format!("{}-->>client: {status}", self.function);
        [self.calls(), vec![answer]].concat()
    }

    /// The calls during the sweep that retries the pending resets, as arrows.
    async fn sweep(&self) -> Vec<String> {
        self.world.wait();
        self.relays.take_calls();
        self.world.sweep().await.unwrap();
        self.calls()
    }

    fn calls(&self) -> Vec<String> {
        let calls = self.relays.take_calls();
        let mut arrows: Vec<_> = calls.iter().map(|call| self.arrow(call)).collect();
        // The sweep reads all partitions of the queue with the same call.
        arrows.dedup();
        arrows
    }

    fn arrow(&self, call: &Call) -> String {
        let service = if call.is_to_ses() { "SES" } else { "DynamoDB" };
        let call = format!("{} {}", call.operation, parts(call).join(", "));
        format!("{}->>{service}: {}", self.function, call.trim_end())
    }
}

/// The tables of a call, each with what tells the call from others.
fn parts(call: &Call) -> Vec<String> {
    let body: Value = serde_json::from_str(&call.body).unwrap();
    match call.operation.as_str() {
        "SendEmail" => vec![],
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().unwrap().keys();
            let tables: BTreeSet<_> = tables.map(|table| table_name(table)).collect();
            tables.into_iter().map(str::to_owned).collect()
        }
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().unwrap().iter();
            let items = items.flat_map(|item| item.as_object().unwrap());
            items.map(|(_, item)| part(item)).collect()
        }
        _ => vec![part(&body)],
    }
}

/// A table, with its index, the kind of a limit, the first attribute that changes, or the event of
/// an audit row in brackets.
fn part(item: &Value) -> String {
    let table = table_name(item["TableName"].as_str().unwrap());
    let limit = || item["Key"]["subject"]["S"].as_str()?.split('#').next();
    let changed = || {
        let target = item["UpdateExpression"].as_str()?.split(' ').nth(1)?;
        item["ExpressionAttributeNames"][target.split('.').next()?].as_str()
    };
    let detail = item["IndexName"].as_str().or_else(limit);
    let detail = detail.or_else(changed);
    match detail.or_else(|| item["Item"]["event"]["S"].as_str()) {
        Some(detail) => format!("{table} ({detail})"),
        None => table.to_owned(),
    }
}

/// The name without the number that makes it unique.
fn table_name(table: &str) -> &str {
    table.split('.').next().unwrap_or(table)
}

/// A sequence diagram of these lines, indented by blocks.
fn sequence(lines: &[String]) -> String {
    let mut depth = 1;
    let lines = lines.iter().map(|line| {
        let keyword = line.split(' ').next().unwrap_or_default();
        depth -= usize::from(matches!(keyword, "else" | "end"));
        let indented = format!("{}{line}\n", "  ".repeat(depth));
        depth += usize::from(matches!(keyword, "alt" | "else" | "opt"));
        indented
    });
    format!("sequenceDiagram\n{}", lines.collect::<String>())
}

fn lines<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).to_vec()
}

/// The number of arrows that both begin with.
fn common(one: &[String], other: &[String]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(one, other)| one == other).count()
}

#[tokio::test]
async fn architecture_md_shows_the_calls_of_a_reset() {
    let recorder = || Recorder::start("ResetUserPassword");
    let (accepting, refusing) = (recorder().await, recorder().await);
    let reset = |username: &str| reset_form(&format!("username={username}"));
    let accepted = accepting.account("jdoe").await;
    let accepted = accepting.request(&reset(&accepted)).await;
    let refused = refusing.account("jdoe").await;
    refusing
        .relays
        .backend
        .outbox
        .refuse(Some("MessageRejected"));
    let refused = refusing.request(&reset(&refused)).await;
    refusing.relays.backend.outbox.refuse(None);
    let sweep = refusing.sweep().await;
    // Last, because the process then remembers the brand.
    let unknown = accepting.request(&reset("nobody")).await;

    let (answer, unknown) = unknown.split_last().unwrap();
    let (end, accepted) = accepted.split_last().unwrap();
    let (end_if_refused, refused) = refused.split_last().unwrap();
    assert_eq!([end, end_if_refused], [answer; 2]);
    assert!(accepted.starts_with(unknown));
    let mailed = common(accepted, refused);
    let diagram = [
        &lines([
            "participant EventBridge",
            "participant client",
            "participant ResetUserPassword",
            "participant DynamoDB",
            "participant SES",
            "client->>ResetUserPassword: ResetUserPassword",
        ]),
        unknown,
        &lines(["opt the account exists"]),
        &accepted[unknown.len()..mailed],
        &lines(["alt SES accepts the email"]),
        &accepted[mailed..],
        &lines(["else SES refuses it"]),
        &refused[mailed..],
        &lines(["end", "end"]),
        from_ref(answer),
        &lines([
            "opt SES refused the email",
            "EventBridge->>ResetUserPassword: sweep",
        ]),
        &sweep,
        &lines(["end"]),
    ];
    assert_shown("reset", &sequence(&diagram.concat()));
}

#[tokio::test]
async fn architecture_md_shows_the_calls_of_an_update() {
    let recorder = Recorder::start("UpdateUserRegistrationPassword").await;
    let email = format!("{}@example.com", recorder.account("jdoe").await);
    let body = json!({
        "Email": email, "NewPassword": "lamp-Sodium-4417", "SendResetEmail": true
    });
    let admin = recorder.account("admin").await;
    let update = async |password: &str| {
        let credential = format!("{admin}:{password}");
        recorder.request(&set_password(&credential, &body)).await
    };
    let (right, wrong) = (update("p@55wOrd").await, update("wrong").await);

    let verified = common(&right, &wrong);
    let diagram = [
        &lines([
            "participant client",
            "participant UpdateUserRegistrationPassword",
            "participant DynamoDB",
            "participant SES",
            "client->>UpdateUserRegistrationPassword: UpdateUserRegistrationPassword",
        ]),
        &right[..verified],
        &lines(["alt the administrator's password is right"]),
        &right[verified..],
        &lines(["else it is wrong"]),
        &wrong[verified..],
        &lines(["end"]),
    ];
    assert_shown("update", &sequence(&diagram.concat()));
}
