//! Request headers that the audit log records, in clear or as hashes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::RawHeaders;

/// Names in lower case, and whether the values are hashed.
#[derive(Serialize, Deserialize, Clone, Default)]
pub struct Audited(pub BTreeMap<String, bool>);

/// A listed header that came with a request.
pub struct Found<'a> {
    name: &'a str,
    values: Vec<String>,
    is_hashed: bool,
}

impl Audited {
    /// Those of a request, whether or not it was admitted and however its caller is known.
    pub fn found(&self, raw: &RawHeaders) -> Vec<Found<'_>> {
        let found = self.0.iter().map(|(name, is_hashed)| Found {
            name,
            values: raw.values(name),
            // SECURITY: also when the document says otherwise.
            is_hashed: *is_hashed || is_credential(name),
        });
        found.filter(|f| !f.values.is_empty()).collect()
    }
}

impl Found<'_> {
    pub fn fact(&self) -> strongroom_audit::Header<'_> {
        strongroom_audit::Header { name: self.name, values: &self.values, is_hashed: self.is_hashed }
    }
}

/// SECURITY: headers whose values open something. Judged by parts of the name, since every proxy has its own; too many is
/// harmless, for their hashes can be recorded. X-Vault-MFA carries one-time passwords.
pub fn is_credential(name: &str) -> bool {
    const PARTS: [&str; 15] = [
        "authorization",
        "authentication",
        "cookie",
        "token",
        "secret",
        "password",
        "passwd",
        "credential",
        "api-key",
        "apikey",
        "access-key",
        "assertion",
        "session",
        "inline-auth",
        "x-vault-mfa",
    ];
    let name = name.to_ascii_lowercase().replace('_', "-");
    PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::{Audited, is_credential};
    use crate::wire::RawHeaders;

    #[test]
    fn credentials_are_known_by_their_names() {
        for name in ["X-Vault-Token", "authorization", "Proxy-Authorization", "Cookie", "X_Api_Key", "x-amz-security-token"] {
            assert!(is_credential(name), "{name}");
        }
        for name in ["User-Agent", "X-Forwarded-For", "X-Correlation-Id", "X-Vault-Wrap-TTL", "X-Vault-Namespace"] {
            assert!(!is_credential(name), "{name}");
        }
    }

    #[test]
    fn a_credential_is_hashed_whatever_is_stored() {
        let audited = Audited([("x-a".to_owned(), false), ("cookie".to_owned(), false), ("none".to_owned(), true)].into());
        let headers = [("X-A", "1"), ("x-a", "2"), ("Cookie", "hush")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let found = audited.found(&RawHeaders::new(headers.to_vec()));
        let shown: Vec<_> = found.iter().map(|f| (f.name, f.values.len(), f.fact().is_hashed)).collect();
        assert_eq!(shown, [("cookie", 1, true), ("x-a", 2, false)]);
    }
}
