//! Names that are almost right: of roles, events and brands.

use shared::users::ADMIN_ROLE;

/// The first of these names that was probably meant: in other letters, or with one mistake.
pub(crate) fn near<'r>(name: &str, names: impl IntoIterator<Item = &'r str>) -> Option<&'r str> {
    names.into_iter().find(|other| {
        other.to_lowercase() == name.to_lowercase() || strsim::osa_distance(other, name) == 1
    })
}

/// Whether `Admin` was probably meant: another spelling, or what other systems call it.
pub(crate) fn is_almost_admin(role: &str) -> bool {
    let is_near = near(role, [ADMIN_ROLE]).is_some();
    role != ADMIN_ROLE && (is_near || role.to_lowercase().starts_with("administrator"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        for role in ["admin", "ADMIN", "Admn", "Admins", "Amdin", "admIn"] {
            assert_eq!(near(role, [ADMIN_ROLE]), Some(ADMIN_ROLE), "{role}");
        }
        for role in ["Support", "Adm", "Administrator", ""] {
            assert_eq!(near(role, [ADMIN_ROLE]), None, "{role}");
        }
        for role in ["admin", "Administrator", "administrators"] {
            assert!(is_almost_admin(role), "{role}");
        }
        for role in ["Admin", "Support", "Operator"] {
            assert!(!is_almost_admin(role), "{role}");
        }
    }
}
