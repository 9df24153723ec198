//! The password rules of `UpdateUserRegistrationPassword`, applied to passwords chosen by
//! operators.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use password::{Hasher, MAX_LENGTH, Salt, Secret};
use shared::config;
use shared::users::Profile;

use crate::Error;
use crate::access::Session;

/// Hashes a password for the account with this profile. Refuses a password that breaks the rules.
pub(crate) fn hash(
    session: &Session<'_>,
    profile: &Profile,
    password: &Secret,
) -> Result<Secret, Error> {
    let least = session.configured(config::password_min_length)?;
    let length = password::length(password);
    if !(least..=MAX_LENGTH).contains(&length) {
        let text = format!("the password must have {least} to {MAX_LENGTH} characters");
        return Err(Error::Refused(text));
    }
    if password::is_blank(password) {
        let text = "the password must have at least one visible character";
        return Err(Error::Refused(text.to_owned()));
    }
    let product = session.configured(|variables| Ok(variables.optional("PRODUCT_NAME")))?;
    let context = [
        profile.email.as_deref(),
        Some(profile.username.as_str()),
        Some(&profile.display_username),
        Some(&profile.display_name),
        profile.brand.as_deref(),
        product.as_deref(),
    ];
    let context: Vec<_> = context.into_iter().flatten().collect();
    if let Some(weakness) = password::weakness(password, &context) {
        return Err(Error::Refused(weakness.to_string()));
    }
    let hasher = Hasher::new(session.configured(config::password_cost)?);
    Ok(hasher.hash(password, Salt::generate(&mut UnwrapErr(SysRng)))?)
}
