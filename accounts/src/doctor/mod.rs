//! `doctor`: checks the deployment.

mod alarms;
mod certificate;
mod check;
mod configuration_sets;
mod deployment;
mod dmarc;
mod error;
mod functions;
mod hosts;
mod key;
mod password_cost;
mod report;
mod roles;
mod self_test;
mod senders;
mod ses_account;
mod tables;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;

use crate::access::Session;
use crate::{Console, Error};
use deployment::Deployment;
use dmarc::Dns;
use report::Report;

/// Check the deployment: tables, key, functions, mail, alarms and hosts
///
/// Changes nothing. Prints one line per check, with advice. The exit code is 1 if a check failed.
/// If a check cannot be made, its line says why, for instance which permission is missing. If
/// checks are left out, for instance because no stack is given, only their number is printed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// DNS server for DMARC records, for instance `192.0.2.53:53`; by default, the servers of this
    /// machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    dns_server: Option<SocketAddr>,
}

/// Runs all checks and prints the report.
pub(crate) async fn doctor(
    session: &Session<'_>,
    arguments: &Arguments,
    console: &mut Console,
) -> Result<ExitCode, Error> {
    let deployment = &Deployment::read(session).await;
    let dns = match arguments.dns_server {
        Some(server) => Dns::Server(server),
        None if deployment.has_custom_endpoint() => Dns::Disabled,
        None => Dns::System,
    };
    let mut report = Report::new(console);
    report.add(&tables::checks(deployment).await)?;
    report.add(&key::checks(deployment).await)?;
    report.add(&functions::checks(deployment).await)?;
    report.add(&roles::checks(deployment).await)?;
    report.add(&ses_account::checks(deployment).await)?;
    report.add(&senders::checks(deployment, &dns).await)?;
    report.add(&alarms::checks(deployment).await)?;
    report.add(&self_test::checks(deployment).await)?;
    report.add(&password_cost::checks(deployment).await)?;
    report.add(&hosts::checks(deployment).await)?;
    report.end()
}
