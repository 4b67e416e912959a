//! The only place of this crate where environment variables are read. Must never show a value: one of them is a token.

use std::path::PathBuf;

use strongroom_types::SecretString;

/// Ours wins, then the two spellings that scripts already use.
const PREFIXES: [&str; 3] = ["STRONGROOM", "BAO", "VAULT"];

/// Settings that flags override. An empty variable counts as unset.
#[derive(Debug, Default)]
pub struct Environment {
    pub dev_root_token_id: Option<SecretString>,
    pub dev_listen_address: Option<String>,
    pub log_level: Option<String>,
    pub log_format: Option<String>,
    pub api_addr: Option<String>,
    /// Where throw-away files go.
    pub temp_folder: PathBuf,
}

impl Environment {
    /// Reads the variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that may read environment variables")]
    pub fn read() -> Self {
        Self { temp_folder: std::env::temp_dir(), ..Self::from_variables(&|name| std::env::var(name).ok()) }
    }

    /// The same from any source.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
        let first = |name: &str| PREFIXES.iter().find_map(|prefix| filled(&format!("{prefix}_{name}")));
        Self {
            dev_root_token_id: first("DEV_ROOT_TOKEN_ID").map(SecretString::new),
            dev_listen_address: first("DEV_LISTEN_ADDRESS"),
            log_level: first("LOG_LEVEL"),
            log_format: first("LOG_FORMAT"),
            api_addr: first("API_ADDR"),
            temp_folder: PathBuf::from("/tmp"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;

    #[test]
    fn our_prefix_wins_and_empty_counts_as_unset() {
        let all =
            [("VAULT_LOG_LEVEL", "v"), ("BAO_LOG_LEVEL", "b"), ("STRONGROOM_LOG_LEVEL", ""), ("VAULT_DEV_ROOT_TOKEN_ID", "hush")];
        let find = |name: &str| all.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        let read = Environment::from_variables(&find);
        assert_eq!(read.log_level.as_deref(), Some("b"));
        assert_eq!(read.dev_root_token_id.as_ref().map(|token| token.expose()), Some("hush"));
        assert!(read.dev_listen_address.is_none());
        assert!(!format!("{read:?}").contains("hush"), "the token is not shown");
    }
}
