//! The protocols of the service, enabled and disabled as with `<webServices><protocols>` in
//! web.config.

use std::str::FromStr;

use xml::soap::Version;

/// The protocols that are enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the switches are independent"
)]
pub struct Protocols {
    /// `HttpGet`: calls with a query.
    pub http_get: bool,
    /// `HttpPost`: calls with a form.
    pub http_post: bool,
    /// `Soap`: SOAP 1.1.
    pub soap11: bool,
    /// `Soap12`: SOAP 1.2.
    pub soap12: bool,
    /// `Documentation`: the HTML pages, WSDL and DISCO.
    pub documentation: bool,
}

impl Protocols {
    /// All protocols, as on the legacy server.
    pub const ALL: Self = Self {
        http_get: true,
        http_post: true,
        soap11: true,
        soap12: true,
        documentation: true,
    };

    /// Whether this version of SOAP is enabled.
    #[must_use]
    pub fn has(self, version: Version) -> bool {
        match version {
            Version::V11 => self.soap11,
            Version::V12 => self.soap12,
        }
    }

    /// Whether any version of SOAP is enabled.
    #[must_use]
    pub fn has_soap(self) -> bool {
        self.soap11 || self.soap12
    }

    /// The enabled versions of SOAP, the older first.
    #[must_use]
    pub fn soap(self) -> Vec<Version> {
        Version::ALL
            .into_iter()
            .filter(|version| self.has(*version))
            .collect()
    }
}

/// The error for an unknown protocol name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of HttpGet, HttpPost, Soap, Soap12 and Documentation")]
pub struct UnknownProtocol(String);

impl FromStr for Protocols {
    type Err = UnknownProtocol;

    /// Parses names separated by commas, ignoring case. Protocols that are not named are disabled.
    fn from_str(names: &str) -> Result<Self, UnknownProtocol> {
        let mut protocols = Self {
            http_get: false,
            http_post: false,
            soap11: false,
            soap12: false,
            documentation: false,
        };
        for name in names.split(',').map(str::trim) {
            let protocol = match name.to_ascii_lowercase().as_str() {
                "httpget" => &mut protocols.http_get,
                "httppost" => &mut protocols.http_post,
                "soap" => &mut protocols.soap11,
                "soap12" => &mut protocols.soap12,
                "documentation" => &mut protocols.documentation,
                _ => return Err(UnknownProtocol(name.to_owned())),
            };
            *protocol = true;
        }
        Ok(protocols)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soap_is_enabled_if_a_version_is() {
        for (names, versions) in [
            ("Soap,Soap12", &[Version::V11, Version::V12][..]),
            ("Soap,HttpGet", &[Version::V11]),
            ("Soap12", &[Version::V12]),
            ("HttpGet,HttpPost,Documentation", &[]),
        ] {
            let protocols: Protocols = names.parse().unwrap();
            assert_eq!(protocols.soap(), versions, "{names}");
            assert_eq!(protocols.has_soap(), !versions.is_empty(), "{names}");
        }
    }

    #[test]
    fn names_enable_protocols() {
        assert_eq!(
            "HttpGet, HTTPPOST,Soap,Soap12,Documentation".parse(),
            Ok(Protocols::ALL)
        );
        let soap: Protocols = "Soap".parse().unwrap();
        assert_eq!(soap.soap(), [Version::V11]);
        assert!(!soap.http_get && !soap.http_post && !soap.documentation);
        for wrong in ["", "Soap,", "SOAP 1.1"] {
            assert!(wrong.parse::<Protocols>().is_err(), "{wrong}");
        }
    }
}
