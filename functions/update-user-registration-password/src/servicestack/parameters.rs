//! Names and values of a query or a form.

/// ASP.NET's `aspnet:MaxHttpCollectionKeys`: a query or a form with more pairs is refused.
pub(super) const MAX_PARAMETERS: usize = 1_000;

/// Pairs of a name and a value, in the order received.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`.
    pub(super) fn urlencoded(encoded: &[u8]) -> Self {
        form_urlencoded::parse(encoded).into_owned().collect()
    }

    /// Value of a name in any case. Several values are joined by commas, as .NET's
    /// `NameValueCollection` does.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.0
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
            .reduce(|joined, value| joined + "," + &value)
    }

    /// Removes the values of a name in any case.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Whether there are more pairs than [`MAX_PARAMETERS`].
    pub(super) fn are_too_many(&self) -> bool {
        self.0.len() > MAX_PARAMETERS
    }
}

impl FromIterator<(String, String)> for Parameters {
    /// Collects the pairs, at most one more than allowed.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().take(MAX_PARAMETERS + 1).collect())
    }
}
