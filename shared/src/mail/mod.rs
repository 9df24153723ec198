//! Mail: rendering in the recipient's language, and sending through SES.

mod address;
pub mod brand;
mod language;
mod render;
mod sample;
mod transport;

use std::fmt;

pub use address::{AddressError, entered, is_address, recipient};
pub use brand::Brand;
pub use language::{OldPassword, languages};
pub use render::{AddressChanged, LoginUpdated, NewPassword};
pub use sample::{Kind, render_sample};
pub use transport::Mailer;

/// A rendered mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl fmt::Debug for Message {
    /// The parts may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Why a mail was not accepted for delivery.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A template failed.
    #[error("the mail could not be rendered")]
    Template(#[from] askama::Error),
    /// The SDK refused the message.
    #[error("the mail could not be built")]
    Message(#[from] aws_sdk_sesv2::error::BuildError),
    /// There is no address on file, or it is not a single address.
    #[error("the address on file is malformed")]
    Address,
    /// SES refused this mail, and will refuse it again. Only the code of its error: the text names
    /// the address.
    #[error("SES did not accept the mail: {0}")]
    Refused(String),
    /// SES refuses what this sender sends: its domain, its configuration set or the function's role
    /// is not set up for it.
    #[error("SES did not accept the mail: {0}")]
    Sender(String),
    /// SES did not answer, or accepts no mail at present: it fails, throttles, or is paused.
    #[error("SES did not accept the mail: {0}")]
    Unavailable(String),
}
