//! Members of the request DTO.

use password::Secret;

use crate::operation::Input;
use crate::servicestack::contract::{DTO_NAMESPACE, REQUESTER_NAMESPACE};

/// Member of the request DTO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Email,
    NewPassword,
    SendResetEmail,
    CustomerBrandName,
    Requester,
}

/// Text that is no boolean; `None` if it was null.
pub(super) struct NotBoolean(pub(super) Option<String>);

impl Member {
    pub(super) const ALL: [Self; 5] = [
        Self::Email,
        Self::NewPassword,
        Self::SendResetEmail,
        Self::CustomerBrandName,
        Self::Requester,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::NewPassword => "NewPassword",
            Self::SendResetEmail => "SendResetEmail",
            Self::CustomerBrandName => "CustomerBrandName",
            Self::Requester => "Requester",
        }
    }

    /// XML namespace of the class that declares the member.
    const fn namespace(self) -> &'static str {
        match self {
            Self::Requester => REQUESTER_NAMESPACE,
            _ => DTO_NAMESPACE,
        }
    }

    /// Member of a name in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|member| member.name().eq_ignore_ascii_case(name))
    }

    /// Member that an XML element stands for.
    pub(super) fn of_element(namespace: &str, name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|member| member.name() == name && member.namespace() == namespace)
    }

    /// Sets the member. `boolean` converts the text of the one member that is a boolean.
    pub(super) fn set(
        self,
        input: &mut Input,
        text: Option<String>,
        boolean: impl FnOnce(Option<&str>) -> Option<bool>,
    ) -> Result<(), NotBoolean> {
        match self {
            Self::Email => input.email = text,
            Self::NewPassword => input.new_password = text.map(Secret::from),
            Self::SendResetEmail => match boolean(text.as_deref()) {
                Some(value) => input.send_reset_email = value,
                None => return Err(NotBoolean(text)),
            },
            Self::CustomerBrandName => input.customer_brand_name = text,
            Self::Requester => input.requester = text,
        }
        Ok(())
    }
}
