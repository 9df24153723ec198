//! The deployment that is examined: the stack's resources, outputs and parameters.

use aws_sdk_cloudformation::types::StackResourceSummary;
use shared::config::Env;

use super::gap::{Answer, Gap};
use crate::access::Session;
use crate::stack::Stack;
use crate::suppression::NO_SES;

/// A resource of the stack.
#[derive(Debug)]
pub(super) struct Resource {
    /// Its name in the template.
    pub(super) name: String,
    /// Its type in CloudFormation.
    pub(super) kind: String,
    /// Its name or identifier in its service.
    pub(super) id: String,
}

/// What is examined.
pub(super) struct Deployment<'a> {
    pub(super) session: &'a Session<'a>,
    stack: Option<&'a Stack>,
    resources: Answer<Vec<Resource>>,
}

impl<'a> Deployment<'a> {
    /// Reads the names of the stack's resources.
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

    /// Whether DynamoDB is not AWS's own.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.session.settings.is_elsewhere()
    }

    /// The client of SES.
    pub(super) fn ses(&self) -> Answer<&aws_sdk_sesv2::Client> {
        let ses = self.session.ses()?;
        ses.ok_or_else(|| Gap::Unknown(NO_SES.to_owned()))
    }

    /// All resources of a type.
    pub(super) fn resources_of(&self, kind: &str) -> Answer<Vec<&Resource>> {
        let resources = self.resources.as_ref().map_err(Clone::clone)?;
        let found = resources.iter().filter(|resource| resource.kind == kind);
        Ok(found.collect())
    }

    /// The identifier of a resource, by its name in the template.
    pub(super) fn id(&self, name: &str) -> Answer<&str> {
        let resources = self.resources.as_ref().map_err(Clone::clone)?;
        let found = resources.iter().find(|resource| resource.name == name);
        let found = found.ok_or_else(|| Gap::Unknown(format!("the stack has no {name}")))?;
        Ok(&found.id)
    }

    fn stack(&self) -> Answer<&Stack> {
        self.stack.ok_or_else(|| no_stack(self.session))
    }

    /// An output of the stack; nothing if it has none of this name.
    pub(super) fn output(&self, name: &str) -> Answer<Option<&str>> {
        Ok(self.stack()?.output(name))
    }

    /// A parameter of the stack.
    pub(super) fn parameter(&self, name: &str) -> Answer<&str> {
        let value = self.stack()?.parameter(name);
        value.ok_or_else(|| Gap::Unknown(format!("the stack has no parameter {name}")))
    }

    /// A parameter of the stack that is a number.
    pub(super) fn number(&self, name: &str) -> Answer<f64> {
        let value = self.parameter(name)?.parse();
        value.map_err(|_| Gap::Unknown(format!("the parameter {name} is no number")))
    }

    /// The value of a variable of the functions, from options, stack or environment.
    pub(super) fn variable(&self, name: &'static str) -> Answer<String> {
        let value = self.session.configured(|env: Env<'_>| env.required(name));
        Ok(value?)
    }
}

fn no_stack(session: &Session<'_>) -> Gap {
    let text = if session.settings.is_elsewhere() {
        "there is no stack at --endpoint"
    } else {
        "no stack is given; use --stack"
    };
    Gap::Unknown(text.to_owned())
}

async fn resources(session: &Session<'_>, stack: &str) -> Answer<Vec<Resource>> {
    let client = session.settings.cloudformation()?;
    let pages = client.list_stack_resources().stack_name(stack);
    let found: Result<Vec<_>, _> = pages.into_paginator().items().send().try_collect().await;
    let found = found.map_err(|error| Gap::of("cloudformation:ListStackResources", &error))?;
    Ok(found.into_iter().filter_map(resource).collect())
}

/// A resource that was not created yet has no identifier.
fn resource(summary: StackResourceSummary) -> Option<Resource> {
    Some(Resource {
        name: summary.logical_resource_id?,
        kind: summary.resource_type?,
        id: summary.physical_resource_id?,
    })
}
