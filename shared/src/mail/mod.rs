//! Mail: rendering in the recipient's language, and sending through SES.

mod address;
pub mod brand;
mod language;
mod render;
mod sample;
mod transport;

use std::fmt;

pub use address::{AddressError, is_address, normalise_address, recipient};
pub use brand::Brand;
pub use language::{OldPassword, languages};
pub use render::{AddressChanged, LoginUpdated, NewPassword};
pub use sample::{Kind, render_sample};
pub use transport::Mailer;

/// A rendered email.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The subject, which is one line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl fmt::Debug for Message {
    /// Omits both parts, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// The reason an email was not accepted for delivery.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template failed.
    #[error("the email could not be rendered")]
    Template(#[from] askama::Error),
    /// The SDK refused the message.
    #[error("the email could not be built")]
    Message(#[from] aws_sdk_sesv2::error::BuildError),
    /// The account has no address, or something other than exactly one valid address.
    #[error("the address on file is malformed")]
    Address,
    /// SES refused this email and would refuse it again. Contains only the error code, because the
    /// message contains the address.
    #[error("SES did not accept the email: {0}")]
    Refused(String),
    /// SES refuses emails from this sender: the domain, the configuration set or the function's
    /// role is not set up correctly.
    #[error("SES did not accept the email: {0}")]
    Sender(String),
    /// SES did not answer, or currently accepts no email because it fails, throttles, or is paused.
    #[error("SES did not accept the email: {0}")]
    Unavailable(String),
}
