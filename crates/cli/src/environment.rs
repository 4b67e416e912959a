//! The only place of this crate where environment variables are read. Must never show a value: one of them is a token.

use std::path::PathBuf;

use strongroom_types::SecretString;

/// Ours wins, then the two spellings that scripts already use.
const PREFIXES: [&str; 3] = ["STRONGROOM", "BAO", "VAULT"];

/// The settings that flags can override. An empty variable counts as unset.
#[derive(Debug, Default)]
pub struct Environment {
    pub address: Option<String>,
    pub token: Option<SecretString>,
    pub ca_cert: Option<PathBuf>,
    pub skip_verify: Option<String>,
    pub namespace: Option<String>,
    pub format: Option<String>,
    pub client_timeout: Option<String>,
    /// Where the token file lives.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// Reads the variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that may read environment variables")]
    pub fn read() -> Self {
        Self::from_variables(&|name| std::env::var(name).ok())
    }

    /// The same from any source.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
        let first = |name: &str| PREFIXES.iter().find_map(|prefix| filled(&format!("{prefix}_{name}")));
        Self {
            address: first("ADDR"),
            token: first("TOKEN").map(SecretString::new),
            ca_cert: first("CACERT").map(PathBuf::from),
            skip_verify: first("SKIP_VERIFY"),
            namespace: first("NAMESPACE"),
            format: first("FORMAT"),
            client_timeout: first("CLIENT_TIMEOUT"),
            home: filled("HOME").map(PathBuf::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    fn address(variables: &[(&str, &str)]) -> Option<String> {
        let find = |name: &str| variables.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        Environment::from_variables(&find).address
    }

    #[test]
    fn our_prefix_wins_then_bao_then_vault() {
        let all = [("VAULT_ADDR", "v"), ("BAO_ADDR", "b"), ("STRONGROOM_ADDR", "s")];
        assert_eq!(address(&all).as_deref(), Some("s"));
        assert_eq!(address(&all[..2]).as_deref(), Some("b"));
        assert_eq!(address(&all[..1]).as_deref(), Some("v"));
        assert_eq!(address(&[("BAO_ADDR", ""), ("VAULT_ADDR", "v")]).as_deref(), Some("v"));
        assert_eq!(address(&[]), None);
    }
}
