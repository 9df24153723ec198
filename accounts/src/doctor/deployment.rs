//! The deployment to check: resources, outputs and parameters of the stack.

use aws_sdk_cloudformation::types::StackResourceSummary;
use shared::config::Env;

use super::error::{CheckError, CheckResult};
use crate::access::Session;
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
        ses.ok_or_else(|| CheckError::Unknown(NO_SES.to_owned()))
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
        let found = found
            .ok_or_else(|| CheckError::Unknown(format!("the stack has no resource {name}")))?;
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
        value.ok_or_else(|| CheckError::Unknown(format!("the stack has no parameter {name}")))
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
        "not available with --endpoint, which has no stack"
    } else {
        "no stack given; use --stack"
    };
    CheckError::Unknown(text.to_owned())
}

async fn resources(session: &Session<'_>, stack: &str) -> CheckResult<Vec<Resource>> {
    let client = session.settings.cloudformation()?;
    let pages = client.list_stack_resources().stack_name(stack);
    let found: Result<Vec<_>, _> = pages.into_paginator().items().send().try_collect().await;
    let found =
        found.map_err(|error| CheckError::of("cloudformation:ListStackResources", &error))?;
    Ok(found.into_iter().filter_map(resource).collect())
}

/// Converts a summary; `None` for a resource that is not created yet.
fn resource(summary: StackResourceSummary) -> Option<Resource> {
    Some(Resource {
        name: summary.logical_resource_id?,
        kind: summary.resource_type?,
        id: summary.physical_resource_id?,
    })
}
