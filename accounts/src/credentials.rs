//! Region and credentials, found as the AWS CLI finds them: environment, profile with single sign-on
//! or an assumed role, web identity, container, instance.

use std::time::Duration;

use aws_config::Region;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use shared::aws::{Credentials, SharedCredentialsProvider, Timeouts, http_client};
use shared::config::{ConfigError, Env};

use crate::failure::root;

/// The error of a machine without credentials.
const NO_CREDENTIALS: &str = "there are no AWS credentials: name a profile with --profile, or set \
                              AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
/// Wait for the metadata of an instance, which most machines are not.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(1);

/// The region of a profile, else of the profile that `AWS_PROFILE` names, else of the default one.
pub(crate) async fn region_of(profile: Option<&str>) -> Option<String> {
    let mut provider = ProfileFileRegionProvider::builder();
    if let Some(name) = profile {
        provider = provider.profile_name(name);
    }
    let region = provider.build().region().await;
    region.map(|region| region.to_string())
}

/// Credentials from the environment, if it has some.
pub(crate) fn from_environment(env: Env<'_>) -> Option<SharedCredentialsProvider> {
    let id = env.optional("AWS_ACCESS_KEY_ID")?;
    let secret = env.optional("AWS_SECRET_ACCESS_KEY")?;
    let token = env.optional("AWS_SESSION_TOKEN");
    let credentials = Credentials::new(id, secret, token, None, "environment");
    Some(SharedCredentialsProvider::new(credentials))
}

/// Credentials of an endpoint that checks none.
pub(crate) fn unchecked() -> SharedCredentialsProvider {
    let credentials = Credentials::new("local", "local", None, None, "local");
    SharedCredentialsProvider::new(credentials)
}

/// Credentials of a profile, or of the first provider that has some. The error says in words why
/// there are none.
pub(crate) async fn find(
    profile: Option<&str>,
    region: &str,
) -> Result<SharedCredentialsProvider, String> {
    let config = config(region).map_err(|error| error.to_string())?;
    let provider = match profile {
        Some(name) => {
            let profile = ProfileFileCredentialsProvider::builder().configure(&config);
            SharedCredentialsProvider::new(profile.profile_name(name).build())
        }
        None => SharedCredentialsProvider::new(chain(config, region).await),
    };
    match provider.provide_credentials().await {
        Ok(_) => Ok(provider),
        // The providers of the chain that were not asked to do anything are no news.
        Err(CredentialsError::CredentialsNotLoaded(_)) if profile.is_none() => {
            Err(NO_CREDENTIALS.to_owned())
        }
        Err(error) => Err(refusal(profile, &error)),
    }
}

/// The reason why there are no credentials, and what to do.
fn refusal(profile: Option<&str>, error: &CredentialsError) -> String {
    let reason = root(error);
    let reason = reason.trim_end_matches('.');
    let is_sso = reason.contains("SSO");
    let is_unknown = matches!(error, CredentialsError::CredentialsNotLoaded(_))
        || reason.contains("was not defined");
    if let (Some(name), true, false) = (profile, is_unknown, is_sso) {
        return format!("there is no profile {name} with credentials in the files of the AWS CLI");
    }
    let text = match profile {
        Some(name) => format!("profile {name} gives no credentials: {reason}"),
        // A machine that gives its programs no credentials is no news either.
        None if reason.contains("IMDS") => return NO_CREDENTIALS.to_owned(),
        None => format!("AWS credentials cannot be used: {reason}"),
    };
    if is_sso {
        format!("{text}; sign in with `aws sso login`")
    } else {
        text
    }
}

fn config(region: &str) -> Result<ProviderConfig, ConfigError> {
    Ok(ProviderConfig::without_region()
        .with_http_client(http_client(Timeouts::default())?)
        .with_region(Some(Region::new(region.to_owned()))))
}

async fn chain(config: ProviderConfig, region: &str) -> DefaultCredentialsChain {
    // One attempt, as the AWS CLI makes: the default of four keeps a laptop waiting.
    let instance = imds::Client::builder()
        .configure(&config)
        .max_attempts(1)
        .connect_timeout(INSTANCE_TIMEOUT)
        .read_timeout(INSTANCE_TIMEOUT);
    DefaultCredentialsChain::builder()
        .configure(config)
        .region(Region::new(region.to_owned()))
        .imds_client(instance.build())
        .build()
        .await
}
