//! The request DTOs and their members.

use password::Secret;

use crate::operation::Input;
use crate::servicestack::contract::{
    AUTHENTICATE, AUTHENTICATE_TYPE, DTO_NAMESPACE, REQUEST_DTO, REQUEST_TYPE, REQUESTER_NAMESPACE,
    TYPES_NAMESPACE,
};

/// A request DTO, which can be read from every format.
pub(super) trait RequestDto: Default + 'static {
    /// The name, which is also the root of an XML body.
    const NAME: &'static str;
    /// The XML namespace of the root.
    const NAMESPACE: &'static str;
    /// The CLR type, for error messages.
    const TYPE: &'static str;
    /// The members that are read.
    const MEMBERS: &'static [Member<Self>];

    /// Finds the member with this name, ignoring case.
    fn member(name: &str) -> Option<&'static Member<Self>> {
        let mut members = Self::MEMBERS.iter();
        members.find(|member| member.name.eq_ignore_ascii_case(name))
    }

    /// Finds the member of an XML element.
    fn member_of_element(namespace: &str, name: &str) -> Option<&'static Member<Self>> {
        let mut members = Self::MEMBERS.iter();
        members.find(|member| member.name == name && member.namespace == namespace)
    }
}

/// A member of a request DTO.
pub(super) struct Member<D> {
    pub(super) name: &'static str,
    /// The XML namespace of the class that declares the member.
    namespace: &'static str,
    /// Whether the member is a password, which is not read from a query.
    pub(super) is_secret: bool,
    set: Setter<D>,
}

/// A setter of a member of a DTO.
enum Setter<D> {
    Text(fn(&mut D, Option<String>)),
    /// Sets a boolean that must not be null.
    Flag(fn(&mut D, bool)),
    /// Sets a boolean that may be null, which means false.
    NullableFlag(fn(&mut D, bool)),
}

/// The error for a text that is not a boolean. Contains the text, or `None` for null.
pub(super) struct NotBoolean(pub(super) Option<String>);

impl<D> Member<D> {
    const fn new(name: &'static str, namespace: &'static str, set: Setter<D>) -> Self {
        Self {
            name,
            namespace,
            is_secret: false,
            set,
        }
    }

    const fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    /// Sets the member. `boolean` converts the text of a boolean.
    pub(super) fn set(
        &self,
        dto: &mut D,
        text: Option<String>,
        boolean: impl FnOnce(Option<&str>) -> Option<bool>,
    ) -> Result<(), NotBoolean> {
        match self.set {
            Setter::Text(set) => set(dto, text),
            Setter::NullableFlag(set) if text.is_none() => set(dto, false),
            Setter::Flag(set) | Setter::NullableFlag(set) => match boolean(text.as_deref()) {
                Some(value) => set(dto, value),
                None => return Err(NotBoolean(text)),
            },
        }
        Ok(())
    }
}

impl RequestDto for Input {
    const NAME: &'static str = REQUEST_DTO;
    const NAMESPACE: &'static str = DTO_NAMESPACE;
    const TYPE: &'static str = REQUEST_TYPE;
    const MEMBERS: &'static [Member<Self>] = &[
        Member::new(
            "Email",
            DTO_NAMESPACE,
            Setter::Text(|input, text| input.email = text),
        ),
        Member::new(
            "NewPassword",
            DTO_NAMESPACE,
            Setter::Text(|input: &mut Self, text| input.new_password = text.map(Secret::from)),
        )
        .secret(),
        Member::new(
            "SendResetEmail",
            DTO_NAMESPACE,
            Setter::Flag(|input, flag| input.send_reset_email = flag),
        ),
        Member::new(
            "CustomerBrandName",
            DTO_NAMESPACE,
            Setter::Text(|input, text| input.customer_brand_name = text),
        ),
        Member::new(
            "Requester",
            REQUESTER_NAMESPACE,
            Setter::Text(|input, text| input.requester = text),
        ),
    ];
}

/// ServiceStack's `Authenticate`. Its other members are for providers that the service does not
/// have.
#[derive(Default)]
pub(super) struct Authenticate {
    pub(super) provider: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) remember_me: bool,
}

impl RequestDto for Authenticate {
    const NAME: &'static str = AUTHENTICATE;
    const NAMESPACE: &'static str = TYPES_NAMESPACE;
    const TYPE: &'static str = AUTHENTICATE_TYPE;
    const MEMBERS: &'static [Member<Self>] = &[
        Member::new(
            "provider",
            TYPES_NAMESPACE,
            Setter::Text(|dto, text| dto.provider = text),
        ),
        Member::new(
            "UserName",
            TYPES_NAMESPACE,
            Setter::Text(|dto, text| dto.username = text),
        ),
        Member::new(
            "Password",
            TYPES_NAMESPACE,
            Setter::Text(|dto: &mut Self, text| dto.password = text.map(Secret::from)),
        )
        .secret(),
        Member::new(
            "RememberMe",
            TYPES_NAMESPACE,
            Setter::NullableFlag(|dto, flag| dto.remember_me = flag),
        ),
    ];
}
