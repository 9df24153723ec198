//! Options of every command: the location of the tables, and the operator.

use clap::Args;

/// Options of every command. An option takes precedence over its environment variable.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection and operator")]
pub(crate) struct Connection {
    /// Name or ARN of the CloudFormation stack with the tables and settings; by default
    /// from the environment variable `ACCOUNTS_STACK`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) stack: Option<String>,
    /// AWS CLI profile with region and credentials; by default from the environment variable
    /// `AWS_PROFILE`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// AWS region; by default from the environment variable `AWS_REGION` or `AWS_DEFAULT_REGION`,
    /// or the region of the profile
    #[arg(long, global = true, value_name = "NAME")]
    region: Option<String>,
    /// URL of a DynamoDB endpoint outside AWS; it needs no region, credentials or stack
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// URL of an SES endpoint outside AWS; with `--endpoint`, mail is sent only to this URL
    #[arg(long, global = true, value_name = "URL")]
    ses_endpoint: Option<String>,
    /// Name of the Users table; by default from the stack or the environment variable
    /// `USERS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    users_table: Option<String>,
    /// Name of the Audit table; by default from the stack or the environment variable
    /// `AUDIT_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    audit_table: Option<String>,
    /// Name of the Brands table; by default from the stack or the environment variable
    /// `BRANDS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    brands_table: Option<String>,
    /// Name of the Limits table; by default from the stack or the environment variable
    /// `LIMITS_TABLE`
    #[arg(long, global = true, value_name = "NAME")]
    limits_table: Option<String>,
    /// Name of the operator in the audit trail, at most 64 characters; by default from the
    /// environment variable `USER`
    #[arg(long, global = true, value_name = "NAME")]
    operator: Option<String>,
}

impl Connection {
    /// Returns the value of the option for a variable.
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

    /// Returns the name of the option that replaces a variable, if it is given. Only for options
    /// whose values can be invalid.
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

    /// Returns whether DynamoDB has a custom endpoint. If so, no service at AWS is called.
    pub(crate) fn has_custom_endpoint(&self) -> bool {
        self.endpoint.is_some()
    }
}
