//! Rows of a file, and their validation.

use shared::users::{MAX_NAME_LENGTH, NOBODY, NewAccount, Profile, UsernameKey};

use super::column;

/// The columns. `password_hash` is last: it is the only column that an overwrite may omit.
pub(crate) const COLUMNS: [&str; 9] = [
    "username",
    "id",
    "email",
    "display_name",
    "brand",
    "language",
    "roles",
    "disabled",
    "password_hash",
];

/// The text of each column; empty if the column is missing.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) username: String,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) brand: String,
    pub(crate) language: String,
    pub(crate) roles: String,
    pub(crate) password_hash: String,
    pub(crate) disabled: String,
}

impl Row {
    /// Returns the text of a column; `None` for an unknown column.
    pub(crate) fn column(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "username" => &mut self.username,
            "id" => &mut self.id,
            "email" => &mut self.email,
            "display_name" => &mut self.display_name,
            "brand" => &mut self.brand,
            "language" => &mut self.language,
            "roles" => &mut self.roles,
            "password_hash" => &mut self.password_hash,
            "disabled" => &mut self.disabled,
            _ => return None,
        })
    }

    /// Converts the row to an account, or returns all reasons against it. Reasons never quote
    /// values: a misplaced value may be a hash.
    pub(crate) fn check(self) -> Result<NewAccount, Vec<String>> {
        let mut reasons = Vec::new();
        let mut note = |reason| reasons.push(reason);
        let username = UsernameKey::new(&self.username);
        if username.as_str() == NOBODY {
            note(format!(
                "username must be one line of 1 to {MAX_NAME_LENGTH} bytes"
            ));
        }
        if username.as_str().starts_with("brand#") {
            // The prefix of brands in the audit trail.
            note("username must not begin with brand#".to_owned());
        }
        let email = checked(column::email(&self.email), &mut note);
        let display_name = checked(column::display_name(&self.display_name), &mut note);
        let brand = checked(column::brand(&self.brand), &mut note);
        let id = checked(column::id(&self.id), &mut note);
        let language = checked(column::language(&self.language), &mut note);
        let roles = checked(column::roles(&self.roles), &mut note);
        let password_hash = checked(column::password_hash(self.password_hash), &mut note);
        let disabled = checked(column::flag(&self.disabled), &mut note);
        if !reasons.is_empty() {
            return Err(reasons);
        }
        Ok(NewAccount {
            profile: Profile {
                username,
                display_username: self.username.trim().to_owned(),
                id,
                email,
                display_name,
                brand,
                language,
            },
            roles,
            password_hash,
            disabled,
        })
    }
}

fn checked<T: Default>(value: Result<T, String>, note: &mut impl FnMut(String)) -> T {
    value.map_err(note).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(changes: &[(&str, &str)]) -> Row {
        let mut row = Row::default();
        for (name, text) in [("username", "jdoe"), ("id", "42")].iter().chain(changes) {
            (*text).clone_into(row.column(name).unwrap());
        }
        row
    }

    #[test]
    fn every_column_is_known() {
        for name in COLUMNS {
            assert!(Row::default().column(name).is_some(), "{name}");
        }
        assert!(Row::default().column("password").is_none());
    }

    #[test]
    fn valid_values_become_an_account() {
        let account = row(&[
            ("username", " JDoe "),
            ("email", "a@example.com "),
            ("brand", "Brand"),
            ("language", " DE-at"),
            ("roles", "Admin; Support;"),
            ("disabled", "TRUE"),
        ])
        .check()
        .unwrap();
        assert_eq!(account.profile.username.as_str(), "jdoe");
        assert_eq!(account.profile.display_username, "JDoe");
        assert_eq!(account.profile.email.as_deref(), Some("a@example.com"));
        assert_eq!(account.profile.language.as_deref(), Some("de-AT"));
        assert_eq!(Vec::from_iter(account.roles), ["Admin", "Support"]);
        assert!(account.disabled && account.password_hash.is_none());
    }

    #[test]
    fn invalid_values_are_refused_without_quoting_them() {
        let long = "x".repeat(257);
        for (name, wrong) in [
            ("username", ""),
            ("username", &long),
            ("username", "a\nb"),
            ("id", ""),
            ("id", "-7"),
            ("id", "secret"),
            ("username", "Brand#acme"),
            ("email", "secret"),
            ("email", "s\u{e9}cret@example.com"),
            ("email", "secret@exa\u{202e}mple.com"),
            ("display_name", &long),
            ("brand", "secret\r\n"),
            // Each character becomes 18 letters in the key.
            ("brand", &"\u{fdfa}".repeat(85)),
            ("language", "secret language"),
            ("language", "de_AT"),
            ("language", "-de"),
            ("language", &format!("de-x-{}", "a".repeat(31))),
            ("roles", &long),
            ("password_hash", "secret"),
            (
                "password_hash",
                "$2b$31$WU5KOq4hTw5ULoKf.vxN7uMsCutYOe7QOwW.8ZOSgt6G0thLoXWG2",
            ),
            ("disabled", "secret"),
        ] {
            let reasons = row(&[(name, wrong)]).check().unwrap_err();
            let [reason] = reasons.as_slice() else {
                panic!("{name}: {reasons:?}");
            };
            assert!(!reason.contains("secret"), "{reason}");
            let is_named = reason.starts_with(name) || (name == "roles" && reason.contains("role"));
            assert!(is_named, "{name}: {reason}");
        }
    }
}
