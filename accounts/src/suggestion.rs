//! Suggestions for mistyped names of roles, events and brands.

use shared::users::ADMIN_ROLE;

/// Returns the first name that differs only in case or by one typing mistake.
pub(crate) fn suggest<'r>(name: &str, names: impl IntoIterator<Item = &'r str>) -> Option<&'r str> {
    names.into_iter().find(|other| {
        other.to_lowercase() == name.to_lowercase() || strsim::osa_distance(other, name) == 1
    })
}

/// Returns whether a role resembles `Admin`: a misspelling, or the name in other systems such as
/// `Administrator`.
pub(crate) fn resembles_admin(role: &str) -> bool {
    let is_misspelled = suggest(role, [ADMIN_ROLE]).is_some();
    role != ADMIN_ROLE && (is_misspelled || role.to_lowercase().starts_with("administrator"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_within_one_mistake_are_suggested() {
        for role in ["admin", "ADMIN", "Admn", "Admins", "Amdin", "admIn"] {
            assert_eq!(suggest(role, [ADMIN_ROLE]), Some(ADMIN_ROLE), "{role}");
        }
        for role in ["Support", "Adm", "Administrator", ""] {
            assert_eq!(suggest(role, [ADMIN_ROLE]), None, "{role}");
        }
        for role in ["admin", "Administrator", "administrators"] {
            assert!(resembles_admin(role), "{role}");
        }
        for role in ["Admin", "Support", "Operator"] {
            assert!(!resembles_admin(role), "{role}");
        }
    }
}
