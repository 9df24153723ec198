//! The options for the profile of an account, shared by `add` and `set`.

use clap::Args;

/// Options for the profile of an account.
#[derive(Debug, Args)]
pub(crate) struct ProfileOptions {
    /// The email address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// The name of the person
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The brand
    #[arg(long)]
    pub(crate) brand: Option<String>,
    /// The language of the person as a BCP 47 tag, for instance de-AT
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Option<String>,
}
