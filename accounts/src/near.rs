//! Names that are almost right: of roles, events and brands.

/// The first of these names that was probably meant: in other letters, or with one mistake.
pub(crate) fn near<'r>(name: &str, names: impl IntoIterator<Item = &'r str>) -> Option<&'r str> {
    names.into_iter().find(|other| {
        other.to_lowercase() == name.to_lowercase() || strsim::osa_distance(other, name) == 1
    })
}

#[cfg(test)]
mod tests {
    use shared::users::ADMIN_ROLE;

    use super::*;

    #[test]
    fn near_names() {
        for role in ["admin", "ADMIN", "Admn", "Admins", "Amdin", "admIn"] {
            assert_eq!(near(role, [ADMIN_ROLE]), Some(ADMIN_ROLE), "{role}");
        }
        for role in ["Support", "Adm", "Administrator", ""] {
            assert_eq!(near(role, [ADMIN_ROLE]), None, "{role}");
        }
    }
}
