//! Consistency of template.yaml with the code: variables, permissions, tables and metrics. Also
//! tests the documentation's statements about the template.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use aws_sdk_dynamodb::types::{KeySchemaElement, TableDescription};
use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use local::tables::TableNames;
use password::Cost;
use serde_json::{Map, Value, json};
use shared::config::{ConfigError, Env};
use shared::lambda::{self, Handler};
use shared::metrics::Metric;
use testkit::Sandbox;
use testkit::relay::{Call, Relays};
use testkit::requests::{log_in, reset_form, set_password};

pub(crate) const RESET: &str = "ResetUserPasswordFunction";
pub(crate) const UPDATE: &str = "UpdateUserRegistrationPasswordFunction";

/// The template without its tags: `!Ref Name` is `"Name"`, `!GetAtt Name.Arn` is `"Name.Arn"`.
pub(crate) fn template() -> Value {
    // `N` is an attribute type, not a "no".
    let options = serde_saphyr::options! { strict_booleans: true };
    let text = include_str!("../../../template.yaml");
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

/// The variables of a function.
fn variables(template: &Value, function: &str) -> Map<String, Value> {
    let of = |function: &Value| function["Environment"]["Variables"].as_object().cloned();
    let mut variables = of(&template["Globals"]["Function"]).unwrap();
    variables.extend(of(&template["Resources"][function]["Properties"]).unwrap());
    variables
}

/// The configuration that a function reads from `lookup`, and the names that it reads.
fn read(function: &str, lookup: impl Fn(&str) -> Option<String>) -> (String, BTreeSet<String>) {
    let asked = RefCell::new(BTreeSet::new());
    let recording = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        lookup(name).or_else(|| local::default_variable(name))
    };
    let variables = Env::new(&recording);
    let config = match function {
        RESET => debug(reset_user_password::Config::read(variables)),
        _ => debug(update_user_registration_password::Config::read(variables)),
    };
    (config, asked.into_inner())
}

fn debug(config: Result<impl Debug, ConfigError>) -> String {
    format!("{:?}", config.unwrap())
}

#[test]
fn every_variable_is_set_and_known() {
    let template = template();
    for function in [RESET, UPDATE] {
        let mut set = variables(&template, function)
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>();
        // Lets SAM notice changes to the function's other settings.
        assert!(set.remove("SETTINGS_DIGEST"));
        // For the code that loads the root certificates.
        assert!(set.remove("SSL_CERT_FILE"));
        let (_, asked) = read(function, |_| None);
        assert_eq!(set, asked, "{function}: set in the template, asked for");
    }
}

#[test]
fn a_parameter_defaults_to_what_the_code_does() {
    let template = template();
    for function in [RESET, UPDATE] {
        let variables = variables(&template, function);
        let defaults = |name: &str| {
            let parameter = variables.get(name)?.as_str()?;
            match &template["Parameters"][parameter]["Default"] {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                number => Some(number.to_string()),
            }
        };
        assert_eq!(read(function, defaults).0, read(function, |_| None).0);
    }
}

/// Both functions, with the names of tables and the configuration set from the template.
struct World {
    relays: Relays,
    sandbox: Sandbox,
}

impl World {
    async fn start(template: &Value) -> Self {
        let mut variables = variables(template, RESET);
        variables.extend(self::variables(template, UPDATE));
        let name = |variable: &str| variables[variable].as_str().unwrap().to_owned();
        let tables = TableNames {
            users: name("USERS_TABLE"),
            limits: name("LIMITS_TABLE"),
            audit: name("AUDIT_TABLE"),
            brands: name("BRANDS_TABLE"),
            sessions: name("SESSIONS_TABLE"),
        };
        let backend = testkit::backend_with(tables, Cost::NEGLIGIBLE).await;
        let relays = Relays::start(&backend).unwrap();
        let named: Vec<_> = variables
            .iter()
            .filter(|(variable, _)| {
                variable.ends_with("_TABLE") || *variable == "CONFIGURATION_SET"
            })
            .map(|(variable, name)| (variable.as_str(), name.as_str().unwrap()))
            .chain([
                ("RESET_PER_MINUTE", "1"),
                ("LOGIN_FAILURES_PER_MINUTE", "10"),
            ])
            .collect();
        let sandbox = Sandbox::on(relays.backend.clone(), &named).unwrap();
        relays.take_calls();
        Self { relays, sandbox }
    }

    /// All calls of `ResetUserPassword`: with a brand, without one, and after a bounce.
    async fn reset(&self) -> Vec<Call> {
        let function = &self.sandbox.functions.reset_user_password;
        self.start_up_and_schedule(function).await;
        for username in ["jdoe", "bob"] {
            let request = reset_form(&format!("username={username}"));
            self.sandbox.send(&request).await;
        }
        let mail = self.sandbox.backend.outbox.mails().remove(0);
        let tags: Map<_, _> = mail
            .tags
            .into_iter()
            .map(|(name, value)| (name, json!([value])))
            .collect();
        let bounce = json!({
            "source": "aws.ses",
            "detail-type": "Email Bounced",
            "detail": { "mail": { "destination": mail.to, "tags": tags } },
        });
        let answer = lambda::invoke(function, &bounce.to_string(), "r-2".to_owned()).await;
        assert_eq!(answer.unwrap()["accounts"], 1);
        self.relays.take_calls()
    }

    /// All calls of `UpdateUserRegistrationPassword`: with a brand, without one, and for callers
    /// that it refuses.
    async fn update(&self) -> Vec<Call> {
        let function = &self.sandbox.functions.update_user_registration_password;
        self.start_up_and_schedule(function).await;
        for (credential, email) in [
            ("admin:p@55wOrd", "a@example.com"),
            ("admin:p@55wOrd", "bob@pumpalarm.com"),
            ("jdoe:lamp-Sodium-4417", "a@example.com"),
            ("admin:wrong", "a@example.com"),
        ] {
            let credential = BASE64_STANDARD.encode(credential);
            let body = json!({
                "Email": email, "NewPassword": "lamp-Sodium-4417", "SendResetEmail": true
            });
            let request = Request::post("/UpdateUserRegistrationPassword")
                .header("content-type", "application/json")
                .header("authorization", format!("Basic {credential}"))
                .body(Bytes::from(body.to_string()));
            self.sandbox.send(&request.unwrap()).await;
        }
        self.session().await;
        self.relays.take_calls()
    }

    /// Opens, uses and closes a session, and leaves another one open.
    async fn session(&self) {
        let login = log_in("admin:p@55wOrd");
        self.sandbox.send(&login).await;
        let answer = self.sandbox.send(&login).await;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        for path in ["/auth", "/auth/logout"] {
            let request =
                Request::get(path).header("x-ss-id", answer["SessionId"].as_str().unwrap());
            let request = request.body(Bytes::new()).unwrap();
            assert_eq!(self.sandbox.send(&request).await.status(), 200);
        }
    }

    async fn start_up_and_schedule(&self, function: &Arc<dyn Handler>) {
        let event = r#"{ "source": "aws.events", "detail-type": "Scheduled Event" }"#;
        function.init().await;
        lambda::invoke(function, event, "r-1".to_owned())
            .await
            .unwrap();
    }
}

/// Actions with their resources.
pub(crate) type Permissions = BTreeSet<(String, String)>;

/// The permissions of a function's role for the services that the code calls. The permissions that
/// Lambda itself needs are in another policy of the role.
pub(crate) fn permitted(template: &Value, function: &str) -> Permissions {
    let resources = &template["Resources"];
    let role = resources[function]["Properties"]["Role"].as_str().unwrap();
    let role = &resources[role.strip_suffix(".Arn").unwrap()]["Properties"];
    let statements = list(&role["Policies"])
        .filter(|policy| policy["PolicyName"] == "calls")
        .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
        .inspect(|statement| assert_eq!(statement["Effect"], "Allow"));
    let pairs = statements.flat_map(|statement| {
        list(&statement["Action"]).flat_map(|action| {
            list(&statement["Resource"])
                .map(|resource| (action.as_str().unwrap().to_owned(), resource_name(resource)))
        })
    });
    pairs.collect()
}

/// IAM treats a single value as a list of one.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let several = value.as_array().map(Vec::as_slice);
    several.unwrap_or(std::slice::from_ref(value)).iter()
}

/// `Name` and `Name/index/…` for a table, and the part after the account for other ARNs.
fn resource_name(resource: &Value) -> String {
    let name = resource.as_str().unwrap().replace(['$', '{', '}'], "");
    let name = name.rsplit(':').next().unwrap();
    name.replacen(".Arn", "", 1)
}

/// The permissions that these calls need, including those for tables that are encrypted with a
/// customer managed key (DynamoDB developer guide, "Using customer managed keys").
fn needed(calls: &[Call]) -> Permissions {
    let key = ["kms:Decrypt", "kms:GenerateDataKey"];
    let key = key.map(|action| (action.to_owned(), "Key".to_owned()));
    calls.iter().flat_map(needed_by).chain(key).collect()
}

fn needed_by(call: &Call) -> Vec<(String, String)> {
    let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
    let dynamodb = |action: &str, item: &Value| {
        let table = item["TableName"].as_str().unwrap();
        let index = item["IndexName"].as_str();
        let index = index.map_or_else(String::new, |index| format!("/index/{index}"));
        (format!("dynamodb:{action}"), format!("{table}{index}"))
    };
    match call.operation.as_str() {
        // The unsigned call that opens the connection to SES. Any answer will do, even a refusal.
        _ if !call.is_signed => vec![],
        "TransactWriteItems" => list(&body["TransactItems"])
            .flat_map(|item| item.as_object().unwrap())
            .map(|(action, item)| dynamodb(&format!("{action}Item"), item))
            .collect(),
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().unwrap().keys();
            tables
                .map(|table| dynamodb("BatchGetItem", &json!({ "TableName": table })))
                .collect()
        }
        "SendEmail" => [configuration_set(&body), "MailArns"]
            .map(|resource| ("ses:SendEmail".to_owned(), resource.to_owned()))
            .into(),
        action => vec![dynamodb(action, &body)],
    }
}

/// The template allows the stack's own set. The operator adds a brand's set to the ARNs.
fn configuration_set(mail: &Value) -> &str {
    match mail["ConfigurationSetName"].as_str().unwrap() {
        "ConfigurationSet" => "configuration-set/ConfigurationSet",
        _ => "MailArns",
    }
}

#[tokio::test]
async fn roles_allow_what_the_code_does_and_no_more() {
    let template = template();
    let world = World::start(&template).await;
    assert_eq!(permitted(&template, RESET), needed(&world.reset().await));
    assert_eq!(permitted(&template, UPDATE), needed(&world.update().await));
}

/// The cost of a request must not grow with the table. Only operators read whole tables.
#[test]
fn no_role_allows_a_scan() {
    let template = template();
    for function in [RESET, UPDATE] {
        for (action, resource) in permitted(&template, function) {
            let is_scan = action.ends_with("Scan") || action.contains(['*', '?']);
            assert!(!is_scan, "{function}: {action} on {resource}");
        }
    }
}

#[tokio::test]
async fn local_tables_match_the_template() {
    let template = template();
    let world = World::start(&template).await;
    world.reset().await;
    world.update().await;
    let dynamodb = &world.sandbox.backend.clients.dynamodb;
    let names = dynamodb.list_tables().send().await.unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let of_template: BTreeSet<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::DynamoDB::Table")
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(of_template, names.table_names().iter().cloned().collect());
    for name in of_template {
        let properties = &resources[&name]["Properties"];
        let description = dynamodb.describe_table().table_name(&name).send().await;
        let description = description.unwrap().table.unwrap();
        for (property, here) in schema(&description) {
            assert_eq!(
                sorted(&properties[&property]),
                sorted(&here),
                "{name}: {property}"
            );
        }
        let items = dynamodb.scan().table_name(&name).send().await.unwrap();
        let expires = items
            .items()
            .iter()
            .any(|item| item.contains_key("expires_at"));
        let expiry = json!({ "AttributeName": "expires_at", "Enabled": true });
        let time_to_live = if expires { &expiry } else { &Value::Null };
        assert_eq!(
            &properties["TimeToLiveSpecification"], time_to_live,
            "{name}"
        );
    }
}

/// The schema of a table in the form of the template.
fn schema(table: &TableDescription) -> Map<String, Value> {
    let attributes = table.attribute_definitions().iter().map(|attribute| {
        json!({
            "AttributeName": attribute.attribute_name(),
            "AttributeType": attribute.attribute_type().as_str(),
        })
    });
    let indexes = table.global_secondary_indexes().iter().map(|index| {
        let projection = index.projection().unwrap();
        let mut projected = json!({
            "ProjectionType": projection.projection_type().unwrap().as_str(),
        });
        if let Some(attributes) = &projection.non_key_attributes {
            projected["NonKeyAttributes"] = sorted(&json!(attributes));
        }
        json!({
            "IndexName": index.index_name(),
            "KeySchema": keys(index.key_schema()),
            "Projection": projected,
        })
    });
    let indexes: Vec<_> = indexes.collect();
    let schema = json!({
        "AttributeDefinitions": attributes.collect::<Value>(),
        "KeySchema": keys(table.key_schema()),
        "GlobalSecondaryIndexes": indexes,
    });
    schema.as_object().unwrap().clone()
}

fn keys(schema: &[KeySchemaElement]) -> Value {
    let key = |key: &KeySchemaElement| {
        json!({
            "AttributeName": key.attribute_name(),
            "KeyType": key.key_type().as_str(),
        })
    };
    schema.iter().map(key).collect()
}

/// Sorts lists, whose order has no meaning. `null` counts as an empty list.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Null => json!([]),
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), sorted(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Metrics without an alarm: usual events, and those for which another metric has an alarm.
const WITHOUT_ALARM: [&str; 8] = [
    "Requests",
    "ColdStarts",
    "Argon2Time",
    "MailTime",
    "ResetPending",
    "MailDelayed",
    "MailSoftBounced",
    "LoginsLimited",
];

#[test]
fn every_metric_is_on_the_dashboard_and_has_an_alarm() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap().values();
    let alarms = resources.filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
    let alarms: BTreeSet<_> = alarms.filter_map(metric_of).collect();
    let own = &metrics() - &BTreeSet::from(WITHOUT_ALARM);
    let own = own
        .into_iter()
        .flat_map(|metric| emitters(metric).iter().map(move |name| (metric, *name)));
    let of_lambda = ["Errors", "Throttles"];
    let of_lambda = of_lambda.map(|metric| [(metric, RESET), (metric, UPDATE)]);
    // Alarms that exist for only one of the functions: on the waiting time of events, and on
    // missing invocations.
    let of_one = [("AsyncEventAge", RESET), ("Invocations", UPDATE)];
    // The metric of one outcome.
    let bypassed = [("Requests", RESET), ("Requests", UPDATE)];
    let expected = own.chain(of_lambda.concat()).chain(of_one).chain(bypassed);
    assert_eq!(alarms, expected.collect());

    let dashboard = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
    let dashboard: Value = serde_json::from_str(dashboard.as_str().unwrap()).unwrap();
    let rows =
        list(&dashboard["widgets"]).flat_map(|widget| list(&widget["properties"]["metrics"]));
    let own = rows.filter(|row| row[0] == "PasswordServices" && row[2] == "Function");
    let shown: BTreeSet<_> = own.map(|row| row[1].as_str().unwrap()).collect();
    assert_eq!(shown, metrics());
}

/// An alarm on an outcome that never occurs would never go off.
#[tokio::test]
async fn alarms_on_outcomes_name_existing_outcomes() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap().values();
    let alarms = resources.filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
    let on_outcome = alarms.flat_map(|alarm| {
        let properties = &alarm["Properties"];
        let dimensions = list(&properties["Dimensions"]);
        let outcomes = dimensions.filter(|dimension| dimension["Name"] == "Outcome");
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap();
        outcomes.map(move |outcome| (text(&outcome["Value"]), text(&properties["MetricName"])))
    });
    let [set, bypassed] = ["password_set.done", "front_door.bypassed"];
    let expected = [(set, "Duration"), (bypassed, "Requests")];
    let expected = expected.map(|(outcome, metric)| (outcome.to_owned(), metric.to_owned()));
    assert_eq!(on_outcome.collect::<BTreeSet<_>>(), expected.into());

    let body = json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417" });
    let request = set_password("admin:p@55wOrd", &body);
    let front_door = [
        ("FRONT_DOOR", "CLOUDFRONT"),
        ("FRONT_DOOR_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    for (variables, status, outcome) in [(&[][..], 200, set), (&front_door, 403, bypassed)] {
        let sandbox = Sandbox::start(variables).await.unwrap();
        assert_eq!(sandbox.send(&request).await.status(), status);
        let logged = sandbox.logged();
        assert!(
            logged.contains(&format!("\"outcome\":\"{outcome}\"")),
            "{logged}"
        );
    }
}

#[test]
fn host_names_refuse_old_tls() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap().values();
    let names = resources.filter(|resource| resource["Type"] == "AWS::ApiGatewayV2::DomainName");
    let policies = names.flat_map(|name| list(&name["Properties"]["DomainNameConfigurations"]));
    let policies: Vec<_> = policies.map(|policy| &policy["SecurityPolicy"]).collect();
    assert_eq!(policies, ["TLS_1_2", "TLS_1_2"]);
}

/// The metric and the function of an alarm, if it belongs to a function.
fn metric_of(alarm: &Value) -> Option<(&str, &str)> {
    let properties = &alarm["Properties"];
    let in_expression = list(&properties["Metrics"]).map(|metric| &metric["MetricStat"]["Metric"]);
    let mut metrics = std::iter::once(properties).chain(in_expression);
    metrics.find_map(|metric| {
        let of_function = match metric["Namespace"].as_str()? {
            "PasswordServices" => "Function",
            "AWS/Lambda" => "FunctionName",
            _ => return None,
        };
        let dimension = &metric["Dimensions"][0];
        assert_eq!(dimension["Name"], of_function);
        Some((metric["MetricName"].as_str()?, dimension["Value"].as_str()?))
    })
}

/// The functions that emit a metric.
fn emitters(metric: &str) -> &'static [&'static str] {
    match metric {
        "Duration" | "Failures" | "FloorExceeded" | "MailFailures" => &[RESET, UPDATE],
        "LoginFailures" => &[UPDATE],
        _ => &[RESET],
    }
}

/// The metrics that the functions emit.
fn metrics() -> BTreeSet<&'static str> {
    Metric::ALL.into_iter().map(Metric::name).collect()
}
