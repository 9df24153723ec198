//! Checks that IAM allows the functions' roles to make all the calls that the functions make.

use serde_json::Value;

use super::check::{Check, Finding, REDEPLOY};
use super::deployment::Deployment;
use super::error::{CheckError, CheckResult};
use crate::aws::{Api, Call};

/// The actions that a role needs on a resource.
struct Grant {
    /// The name of the resource in the template, and the suffix of its ARN.
    resource: (&'static str, &'static str),
    actions: &'static [&'static str],
}

const fn grant(
    resource: &'static str,
    rest: &'static str,
    actions: &'static [&'static str],
) -> Grant {
    Grant {
        resource: (resource, rest),
        actions,
    }
}

/// The grants of both roles. `.ci/test_policies.py` compares them with template.yaml.
const BOTH: [Grant; 5] = [
    grant("AuditTable", "", &["dynamodb:PutItem"]),
    grant("BrandsTable", "", &["dynamodb:GetItem"]),
    grant("UsersTable", "/index/email-index", &["dynamodb:Query"]),
    grant("ConfigurationSet", "", &["ses:SendEmail"]),
    grant("Key", "", &["kms:Decrypt", "kms:GenerateDataKey"]),
];
const RESET: [Grant; 3] = [
    grant(
        "UsersTable",
        "",
        &["dynamodb:GetItem", "dynamodb:UpdateItem"],
    ),
    grant(
        "UsersTable",
        "/index/pending-reset-index",
        &["dynamodb:Query"],
    ),
    grant("LimitsTable", "", &["dynamodb:UpdateItem"]),
];
const UPDATE: [Grant; 3] = [
    grant(
        "UsersTable",
        "",
        &[
            "dynamodb:BatchGetItem",
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
        ],
    ),
    grant(
        "LimitsTable",
        "",
        &["dynamodb:BatchGetItem", "dynamodb:UpdateItem"],
    ),
    grant(
        "SessionsTable",
        "",
        &[
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
        ],
    ),
];

/// The roles, by their names in the template.
const ROLES: [(&str, &[Grant]); 2] = [
    ("ResetUserPasswordRole", &RESET),
    ("UpdateUserRegistrationPasswordRole", &UPDATE),
];

/// Checks both roles.
pub(super) async fn checks(deployment: &Deployment<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, grants) in ROLES {
        let found = role(deployment, name, grants).await;
        checks.push(Check::new(name, found));
    }
    checks
}

async fn role(deployment: &Deployment<'_>, name: &str, grants: &[Grant]) -> CheckResult<Finding> {
    let role = deployment.id(name)?;
    let account = Account::of(deployment)?;
    let role = account.arn("iam", &format!("role/{role}"));
    let mut denied = Vec::new();
    for grant in BOTH.iter().chain(grants) {
        let (resource, rest) = grant.resource;
        let arn = format!("{}{rest}", account.resource(deployment, resource)?);
        for action in denied_actions(deployment, &role, (&arn, grant.actions)).await? {
            denied.push(format!("{action} on {resource}{rest}"));
        }
    }
    Ok(if denied.is_empty() {
        Finding::ok("allows all calls that the function makes")
    } else {
        Finding::failed(
            format!("does not allow {}", denied.join(", ")),
            format!("{REDEPLOY}; check permissions boundaries and service control policies"),
        )
    })
}

/// Returns the actions that IAM denies the role on the resource.
async fn denied_actions(
    deployment: &Deployment<'_>,
    role: &str,
    (resource, actions): (&str, &[&str]),
) -> CheckResult<Vec<String>> {
    let mut input = vec![
        ("PolicySourceArn".to_owned(), role.to_owned()),
        ("ResourceArns.member.1".to_owned(), resource.to_owned()),
    ];
    for (index, action) in actions.iter().enumerate() {
        let name = format!("ActionNames.member.{}", index + 1);
        input.push((name, (*action).to_owned()));
    }
    let call = Call::query(Api::Iam, "SimulatePrincipalPolicy", &input);
    let answer = deployment.send(call).await?;
    let results = answer.pointer("/SimulatePrincipalPolicyResult/EvaluationResults");
    let results = results.and_then(Value::as_array).map(Vec::as_slice);
    let is_allowed = |action: &&&str| {
        let mut results = results.unwrap_or_default().iter();
        results.any(|result| {
            result
                .get("EvalActionName")
                .is_some_and(|name| name == **action)
                && result
                    .get("EvalDecision")
                    .is_some_and(|decision| decision == "allowed")
        })
    };
    let denied = actions.iter().filter(|action| !is_allowed(action));
    Ok(denied.map(|action| (*action).to_owned()).collect())
}

/// The account and region of the stack, for building ARNs.
struct Account<'d> {
    partition: &'d str,
    region: &'d str,
    id: &'d str,
}

impl<'d> Account<'d> {
    /// Reads them from the ARN of the key: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
    fn of(deployment: &'d Deployment<'_>) -> CheckResult<Self> {
        let arn = deployment.output("KeyArn")?.unwrap_or_default();
        let &[_, partition, _, region, id, _] = arn.split(':').collect::<Vec<_>>().as_slice()
        else {
            return Err(CheckError::Unknown(
                "the stack has no output KeyArn; deploy the current template".to_owned(),
            ));
        };
        Ok(Self {
            partition,
            region,
            id,
        })
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        // ARNs of IAM have no region.
        let region = if service == "iam" { "" } else { self.region };
        let (partition, id) = (self.partition, self.id);
        format!("arn:{partition}:{service}:{region}:{id}:{resource}")
    }

    /// Returns the ARN of a resource, given its name in the template.
    fn resource(&self, deployment: &Deployment<'_>, name: &str) -> CheckResult<String> {
        let id = deployment.id(name)?;
        Ok(match name {
            "Key" => self.arn("kms", &format!("key/{id}")),
            "ConfigurationSet" => self.arn("ses", &format!("configuration-set/{id}")),
            _ => self.arn("dynamodb", &format!("table/{id}")),
        })
    }
}
