//! Options that say where the accounts are and who is at work.

use clap::Args;

/// Options of every command. Those that stand for a variable win over it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection and operator")]
pub(crate) struct Connection {
    /// CloudFormation stack, by name or ARN, whose tables, sender and settings to use; by
    /// default `ACCOUNTS_STACK`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// Profile of the AWS CLI with region and credentials; by default `AWS_PROFILE`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// AWS region; by default `AWS_REGION`, `AWS_DEFAULT_REGION` or that of the profile
    #[arg(long, global = true, value_name = "NAME")]
    region: Option<String>,
    /// URL of a DynamoDB other than AWS's, which needs no region, no credentials and no stack
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// URL of an SES other than AWS's; with `--endpoint`, mail is sent there or not at all
    #[arg(long, global = true, value_name = "URL")]
    ses_endpoint: Option<String>,
    /// Name of the Users table; by default that of the stack, or `USERS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    users_table: Option<String>,
    /// Name of the Audit table; by default that of the stack, or `AUDIT_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    audit_table: Option<String>,
    /// Name of the Brands table; by default that of the stack, or `BRANDS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    brands_table: Option<String>,
    /// Name of the Limits table; by default that of the stack, or `LIMITS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    limits_table: Option<String>,
    /// Name of the operator in the audit trail, at most 64 characters; by default `USER`
    #[arg(long, global = true, value_name = "NAME")]
    operator: Option<String>,
}

impl Connection {
    /// The value of the option that stands for a variable.
    pub(crate) fn option(&self, variable: &str) -> Option<&String> {
        match variable {
            "ACCOUNTS_STACK" => self.stack.as_ref(),
            "AWS_REGION" => self.region.as_ref(),
            "AWS_ENDPOINT_URL_DYNAMODB" => self.endpoint.as_ref(),
            "AWS_ENDPOINT_URL_SESV2" => self.ses_endpoint.as_ref(),
            "USERS_TABLE" => self.users_table.as_ref(),
            "AUDIT_TABLE" => self.audit_table.as_ref(),
            "BRANDS_TABLE" => self.brands_table.as_ref(),
            "LIMITS_TABLE" => self.limits_table.as_ref(),
            "USER" => self.operator.as_ref(),
            _ => None,
        }
    }

    /// The option that stands for a variable, if it is given.
    pub(crate) fn option_name(&self, variable: &str) -> Option<&'static str> {
        self.option(variable)?;
        let names = [
            ("AWS_REGION", "--region"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "--endpoint"),
            ("AWS_ENDPOINT_URL_SESV2", "--ses-endpoint"),
        ];
        let mut names = names.into_iter();
        names
            .find(|(name, _)| *name == variable)
            .map(|(_, option)| option)
    }

    /// Whether DynamoDB is not AWS's own: then nothing of AWS is asked.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.endpoint.is_some()
    }
}
