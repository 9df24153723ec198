//! The deployment to check: resources, outputs and parameters of the stack.

use serde_json::Value;
use shared::config::Env;

use super::error::{CheckError, CheckResult};
use crate::access::Session;
use crate::aws::{Api, Call};
use crate::settings::Endpoint;
use crate::stack::Stack;
use crate::suppression::NO_SES;

/// A resource of the stack.
#[derive(Debug)]
pub(super) struct Resource {
    /// The logical name in the template.
    pub(super) name: String,
    /// The CloudFormation type.
    pub(super) kind: String,
    /// The name or identifier in the service.
    pub(super) id: String,
}

/// The deployment to check.
pub(super) struct Deployment<'a> {
    pub(super) session: &'a Session<'a>,
    stack: Option<&'a Stack>,
    resources: CheckResult<Vec<Resource>>,
}

impl<'a> Deployment<'a> {
    /// Reads the resources of the stack.
    pub(super) async fn read(session: &'a Session<'a>) -> Self {
        let stack = session.settings.stack();
        let resources = match stack {
            Some(stack) => resources(session, &stack.name).await,
            None => Err(no_stack(session)),
        };
        Self {
            session,
            stack,
            resources,
        }
    }

    /// Returns whether DynamoDB has a custom endpoint.
    pub(super) fn has_custom_endpoint(&self) -> bool {
        self.session.settings.has_custom_endpoint()
    }

    /// Returns the client of SES.
    pub(super) fn ses(&self) -> CheckResult<&aws_sdk_sesv2::Client> {
        let ses = self.session.ses()?;
        ses.ok_or_else(|| CheckError::Skipped(NO_SES.to_owned()))
    }

    /// Sends a call to a service, without an SDK client.
    pub(super) async fn send(&self, call: Call) -> CheckResult<Value> {
        send(self.session, call).await
    }

    /// Returns the resources of a type.
    pub(super) fn resources_of(&self, kind: &str) -> CheckResult<Vec<&Resource>> {
        let resources = self.resources.as_ref().map_err(Clone::clone)?;
        let found = resources.iter().filter(|resource| resource.kind == kind);
        Ok(found.collect())
    }

    /// Returns the identifier of a resource, given its name in the template.
    pub(super) fn id(&self, name: &str) -> CheckResult<&str> {
        let resources = self.resources.as_ref().map_err(Clone::clone)?;
        let found = resources.iter().find(|resource| resource.name == name);
        let found = found.ok_or_else(|| {
            CheckError::Unknown(format!(
                "the stack has no resource {name}; deploy the current template"
            ))
        })?;
        Ok(&found.id)
    }

    fn stack(&self) -> CheckResult<&Stack> {
        self.stack.ok_or_else(|| no_stack(self.session))
    }

    /// Returns an output of the stack; `None` if it is missing.
    pub(super) fn output(&self, name: &str) -> CheckResult<Option<&str>> {
        Ok(self.stack()?.output(name))
    }

    /// Returns a parameter of the stack.
    pub(super) fn parameter(&self, name: &str) -> CheckResult<&str> {
        let value = self.stack()?.parameter(name);
        value.ok_or_else(|| {
            CheckError::Unknown(format!(
                "the stack has no parameter {name}; deploy the current template"
            ))
        })
    }

    /// Returns a numeric parameter of the stack.
    pub(super) fn number(&self, name: &str) -> CheckResult<f64> {
        let value = self.parameter(name)?.parse();
        value.map_err(|_| CheckError::Unknown(format!("the parameter {name} is not a number")))
    }

    /// Returns the value of a variable of the functions, from options, stack or environment.
    pub(super) fn variable(&self, name: &'static str) -> CheckResult<String> {
        let value = self.session.configured(|env: Env<'_>| env.required(name));
        Ok(value?)
    }
}

fn no_stack(session: &Session<'_>) -> CheckError {
    let text = if session.settings.has_custom_endpoint() {
        "skipped: no stack, because --endpoint cannot be combined with --stack"
    } else {
        "no stack given; use --stack"
    };
    CheckError::Skipped(text.to_owned())
}

async fn send(session: &Session<'_>, call: Call) -> CheckResult<Value> {
    let (api, action) = (call.api(), call.action());
    let url = match session.settings.endpoint(api.variable()) {
        Endpoint::Aws => None,
        Endpoint::Url(url) => Some(url),
        Endpoint::Missing => {
            let text = format!("no {} endpoint given; set {}", api.name(), api.variable());
            return Err(CheckError::Skipped(text));
        }
    };
    let sent = call.send(session.settings.sdk()?, url).await;
    sent.map_err(|error| CheckError::of(&action, &error))
}

async fn resources(session: &Session<'_>, stack: &str) -> CheckResult<Vec<Resource>> {
    let mut resources = Vec::new();
    let mut input = vec![("StackName".to_owned(), stack.to_owned())];
    loop {
        let call = Call::query(Api::CloudFormation, "ListStackResources", &input);
        let answer = send(session, call).await?;
        let page = answer.get("ListStackResourcesResult");
        let page = page.unwrap_or(&Value::Null);
        let summaries = page.get("StackResourceSummaries").and_then(Value::as_array);
        resources.extend(summaries.into_iter().flatten().filter_map(resource));
        let Some(next) = page.get("NextToken").and_then(Value::as_str) else {
            return Ok(resources);
        };
        input.truncate(1);
        input.push(("NextToken".to_owned(), next.to_owned()));
    }
}

/// Converts a summary; `None` for a resource that is not created yet.
fn resource(summary: &Value) -> Option<Resource> {
    let text = |name| summary.get(name)?.as_str().map(str::to_owned);
    Some(Resource {
        name: text("LogicalResourceId")?,
        kind: text("ResourceType")?,
        id: text("PhysicalResourceId")?,
    })
}
