//! The operator, as recorded in audit rows.

use aws_config::SdkConfig;
use shared::config::{ConfigError, Env};
use shared::text::one_line;

use crate::Error;

/// Maximum length of an operator's name, in characters.
const MAX_LENGTH: usize = 64;
/// The prefix of an unverified name. No ARN begins with it.
const UNVERIFIED: &str = "unverified:";

/// The operator.
#[derive(Debug)]
pub(crate) struct Operator {
    /// The ARN of the credentials according to STS; with a custom endpoint, the given name with the
    /// prefix `unverified:`.
    pub(crate) actor: String,
    /// The given name, if the actor is an ARN.
    pub(crate) requester: Option<String>,
}

/// The operator before STS has confirmed the identity.
pub(crate) struct Claim<'a> {
    /// The given name.
    name: String,
    /// The SDK configuration, and the URL of STS if it is not at AWS; `None` without STS.
    sts: Option<(&'a SdkConfig, Option<String>)>,
}

impl<'a> Claim<'a> {
    /// Reads the name and the location of STS. With a custom DynamoDB endpoint there is no STS
    /// unless `AWS_ENDPOINT_URL_STS` is set.
    pub(crate) fn read(
        env: Env<'_>,
        sdk: &'a SdkConfig,
        has_custom_endpoint: bool,
    ) -> Result<Self, ConfigError> {
        let name = env.required("USER")?;
        let is_visible = one_line(&name) == name.as_str() && name.contains(char::is_alphanumeric);
        if !is_visible || name.chars().count() > MAX_LENGTH {
            let text = format!("must be one line of at most {MAX_LENGTH} visible characters");
            return Err(ConfigError::invalid("--operator", text));
        }
        let url = env.optional("AWS_ENDPOINT_URL_STS");
        let url = url.or_else(|| env.optional("AWS_ENDPOINT_URL"));
        let sts = (url.is_some() || !has_custom_endpoint).then_some((sdk, url));
        Ok(Self { name, sts })
    }

    /// Asks STS for the identity of the credentials, which needs no permission.
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
        let arn = arn.ok_or_else(|| {
            Error::Refused("STS did not return the ARN of your credentials".to_owned())
        })?;
        Ok(Operator {
            actor: arn.to_owned(),
            requester: Some(self.name),
        })
    }
}
