//! Who is at work, as audit rows say it.

use aws_config::SdkConfig;
use shared::config::{ConfigError, Env};
use shared::text::one_line;

use crate::Error;

/// The longest name of an operator, in characters.
const MAX_LENGTH: usize = 64;
/// Marks an unverified name. No ARN begins like this.
const UNVERIFIED: &str = "unverified:";

/// Who is at work.
#[derive(Debug)]
pub(crate) struct Operator {
    /// The ARN of the credentials, as AWS says; at an endpoint other than AWS's the name that was
    /// typed, marked as such.
    pub(crate) actor: String,
    /// The name that was typed, if the actor is another one.
    pub(crate) requester: Option<String>,
}

/// What is known of the operator before anybody is asked.
pub(crate) struct Claim<'a> {
    /// What the operator typed.
    name: String,
    /// Whom to ask: the access to AWS, and the URL of STS if it is not AWS's own.
    sts: Option<(&'a SdkConfig, Option<String>)>,
}

impl<'a> Claim<'a> {
    /// Reads the name and whom to ask. Where DynamoDB is not at AWS there is no STS to ask, unless
    /// `AWS_ENDPOINT_URL_STS` says where one is.
    pub(crate) fn read(
        env: Env<'_>,
        sdk: &'a SdkConfig,
        is_elsewhere: bool,
    ) -> Result<Self, ConfigError> {
        let name = env.required("USER")?;
        let is_visible = one_line(&name) == name.as_str() && name.contains(char::is_alphanumeric);
        if !is_visible || name.chars().count() > MAX_LENGTH {
            let text = format!("must be one line of at most {MAX_LENGTH} visible characters");
            return Err(ConfigError::invalid("--operator", text));
        }
        let url = env.optional("AWS_ENDPOINT_URL_STS");
        let url = url.or_else(|| env.optional("AWS_ENDPOINT_URL"));
        let sts = (url.is_some() || !is_elsewhere).then_some((sdk, url));
        Ok(Self { name, sts })
    }

    /// Asks STS whose credentials these are, which needs no permission.
    pub(crate) async fn identify(self) -> Result<Operator, Error> {
        let Some((sdk, url)) = self.sts else {
            return Ok(Operator {
                actor: format!("{UNVERIFIED}{}", self.name),
                requester: None,
            });
        };
        let mut config = aws_sdk_sts::config::Builder::from(sdk);
        config.set_endpoint_url(url);
        let sts = aws_sdk_sts::Client::from_conf(config.build());
        let identity = sts.get_caller_identity().send().await;
        let identity = identity.map_err(|error| Error::Identity(Box::new(error)))?;
        let arn = identity.arn().filter(|arn| arn.starts_with("arn:"));
        let arn = arn.ok_or_else(|| Error::Refused("STS did not say who you are".to_owned()))?;
        Ok(Operator {
            actor: arn.to_owned(),
            requester: Some(self.name),
        })
    }
}
