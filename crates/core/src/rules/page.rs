//! Headers of pages for browsers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::ExtraHeaders;

/// Spelling of the one header that pages have by themselves.
pub const CSP: &str = "Content-Security-Policy";

/// Nothing from elsewhere, no inline code, no frame around it.
pub const DEFAULT_CSP: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; \
     style-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// By name in its usual spelling (`X-Mine`), so that one header is there once.
#[derive(Serialize, Deserialize, Clone, Default)]
pub struct PageHeaders(pub BTreeMap<String, Vec<String>>);

impl PageHeaders {
    pub fn extra(&self) -> ExtraHeaders {
        let own = self.0.iter().flat_map(|(name, values)| values.iter().map(move |v| (name.clone().into(), v.clone())));
        let standard = (!self.0.contains_key(CSP)).then(|| (CSP.into(), DEFAULT_CSP.to_owned()));
        standard.into_iter().chain(own).collect()
    }

    /// Each word of a name with a capital: how the reference shows it.
    pub fn spelling(name: &str) -> String {
        let word = |w: &str| {
            let lower = w.to_ascii_lowercase();
            let mut letters = lower.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        };
        name.split('-').map(word).collect::<Vec<_>>().join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::{CSP, DEFAULT_CSP, PageHeaders};

    #[test]
    fn the_strict_policy_is_there_unless_it_is_replaced() {
        let mut headers = PageHeaders::default();
        headers.0.insert("X-A".into(), vec!["1".into(), "2".into()]);
        assert_eq!(headers.extra().len(), 3);
        assert_eq!(headers.extra().first(), Some(&(CSP.into(), DEFAULT_CSP.to_owned())));
        headers.0.insert(PageHeaders::spelling("content-SECURITY-policy"), vec!["mine".into()]);
        assert_eq!(headers.extra().first(), Some(&(CSP.into(), "mine".to_owned())));
    }
}
