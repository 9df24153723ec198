//! Region and credentials from the same sources as the AWS CLI: environment, profile with single
//! sign-on or an assumed role, web identity, container and instance metadata.

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

/// The message for a machine without credentials.
const NO_CREDENTIALS: &str = "no AWS credentials found: use --profile, or set AWS_PROFILE, or \
                              AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
/// The timeout for instance metadata, which most machines do not have.
const INSTANCE_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the region of a profile; by default, of the profile in `AWS_PROFILE` or the default
/// profile.
pub(crate) async fn region_of(profile: Option<&str>) -> Option<String> {
    let mut provider = ProfileFileRegionProvider::builder();
    if let Some(name) = profile {
        provider = provider.profile_name(name);
    }
    let region = provider.build().region().await;
    region.map(|region| region.to_string())
}

/// Returns the credentials from the environment, if they are set.
pub(crate) fn from_environment(env: Env<'_>) -> Option<SharedCredentialsProvider> {
    let id = env.optional("AWS_ACCESS_KEY_ID")?;
    let secret = env.optional("AWS_SECRET_ACCESS_KEY")?;
    let token = env.optional("AWS_SESSION_TOKEN");
    let credentials = Credentials::new(id, secret, token, None, "environment");
    Some(SharedCredentialsProvider::new(credentials))
}

/// Returns placeholder credentials for an endpoint that does not check them.
pub(crate) fn unchecked() -> SharedCredentialsProvider {
    let credentials = Credentials::new("local", "local", None, None, "local");
    SharedCredentialsProvider::new(credentials)
}

/// Finds the credentials of a profile, or those of the first provider that has some. The error says
/// why there are none.
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
        // Do not list the providers of the chain: they are not configured.
        Err(CredentialsError::CredentialsNotLoaded(_)) if profile.is_none() => {
            Err(NO_CREDENTIALS.to_owned())
        }
        Err(error) => Err(refusal(profile, &error)),
    }
}

/// Says why there are no credentials, and what to do.
fn refusal(profile: Option<&str>, error: &CredentialsError) -> String {
    let reason = root(error);
    let reason = reason.trim_end_matches('.');
    let is_sso = reason.contains("SSO");
    let is_unknown = matches!(error, CredentialsError::CredentialsNotLoaded(_))
        || reason.contains("was not defined");
    if let (Some(name), true, false) = (profile, is_unknown, is_sso) {
        return format!("the AWS CLI configuration has no profile {name} with credentials");
    }
    let text = match profile {
        Some(name) => format!("cannot get credentials from profile {name}: {reason}"),
        // Instance metadata without credentials also counts as no credentials.
        None if reason.contains("IMDS") => return NO_CREDENTIALS.to_owned(),
        None => format!("cannot get AWS credentials: {reason}"),
    };
    match profile {
        Some(name) if is_sso => format!("{text}; sign in with `aws sso login --profile {name}`"),
        None if is_sso => format!("{text}; sign in with `aws sso login`"),
        _ => text,
    }
}

fn config(region: &str) -> Result<ProviderConfig, ConfigError> {
    Ok(ProviderConfig::without_region()
        .with_http_client(http_client(Timeouts::default())?)
        .with_region(Some(Region::new(region.to_owned()))))
}

async fn chain(config: ProviderConfig, region: &str) -> DefaultCredentialsChain {
    // One attempt, like the AWS CLI: the default of four attempts would delay every run on a
    // laptop.
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
