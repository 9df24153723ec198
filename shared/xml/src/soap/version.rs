//! The versions of SOAP.

/// A version of SOAP, identified by the namespace of its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SOAP 1.1.
    V11,
    /// SOAP 1.2.
    V12,
}

impl Version {
    /// Both versions.
    pub const ALL: [Self; 2] = [Self::V11, Self::V12];

    /// The namespace of the envelope.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The media type of a message, without parameters.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml",
            Self::V12 => "application/soap+xml",
        }
    }

    /// The version whose envelope has this namespace.
    #[must_use]
    pub fn from_namespace(namespace: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.namespace() == namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_a_namespace_and_a_media_type() {
        for (version, namespace, media_type) in [
            (
                Version::V11,
                "http://schemas.xmlsoap.org/soap/envelope/",
                "text/xml",
            ),
            (
                Version::V12,
                "http://www.w3.org/2003/05/soap-envelope",
                "application/soap+xml",
            ),
        ] {
            assert_eq!(version.namespace(), namespace);
            assert_eq!(version.media_type(), media_type);
            assert_eq!(Version::from_namespace(namespace), Some(version));
        }
        assert_eq!(Version::from_namespace("text/xml"), None);
        assert_eq!(Version::from_namespace(""), None);
    }
}
