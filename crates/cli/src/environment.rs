//! The only place of this crate where environment variables are read and where it is asked whether a person is there. Must never
//! show a value: one of them is a token.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use strongroom_types::SecretString;

use crate::aside::{Aside, PROGRAM};

/// Ours wins, then the two spellings that scripts already use.
const PREFIXES: [&str; 3] = ["STRONGROOM", "BAO", "VAULT"];

/// The settings that flags can override. An empty variable counts as unset.
#[derive(Debug, Default)]
pub struct Environment {
    pub address: Option<String>,
    /// Of an agent in between; wins over the server's.
    pub agent_address: Option<String>,
    pub token: Option<SecretString>,
    pub tls: TlsVariables,
    pub namespace: Option<String>,
    pub format: Option<String>,
    pub client_timeout: Option<String>,
    /// Of the server that `migrate` copies from.
    pub source_address: Option<String>,
    pub source_token: Option<SecretString>,
    pub disable_redirects: Option<String>,
    pub mfa: Option<SecretString>,
    pub wrap_ttl: Option<String>,
    pub files: Files,
    pub aside: Aside,
}

/// How to trust the server, and how to be trusted by it.
#[derive(Debug, Default)]
pub struct TlsVariables {
    pub ca_cert: Option<PathBuf>,
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub server_name: Option<String>,
    pub skip_verify: Option<String>,
}

/// Where files of the user are.
#[derive(Debug, Default)]
pub struct Files {
    /// Where the token file lives.
    pub home: Option<PathBuf>,
    /// The token file, where it isn't in `home`.
    pub token: Option<PathBuf>,
    /// The file that names a token helper, where it isn't in `home`.
    pub config: Option<PathBuf>,
}

impl Environment {
    /// Reads the variables of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that may read environment variables")]
    pub fn read() -> Self {
        let aside = Aside::new(&program(std::env::args_os().next()), std::io::stderr().is_terminal());
        Self { aside, ..Self::from_variables(&|name| std::env::var(name).ok()) }
    }

    /// The same from any source; nobody is at the other end.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let filled = |name: &str| variable(name).filter(|value| !value.is_empty());
        let first = |name: &str| PREFIXES.iter().find_map(|prefix| filled(&format!("{prefix}_{name}")));
        let path = |name: &str| first(name).map(PathBuf::from);
        Self {
            address: first("ADDR"),
            agent_address: first("AGENT_ADDR"),
            token: first("TOKEN").map(SecretString::new),
            tls: TlsVariables {
                ca_cert: path("CACERT"),
                ca_path: path("CAPATH"),
                client_cert: path("CLIENT_CERT"),
                client_key: path("CLIENT_KEY"),
                server_name: first("TLS_SERVER_NAME"),
                skip_verify: first("SKIP_VERIFY"),
            },
            namespace: first("NAMESPACE"),
            format: first("FORMAT"),
            client_timeout: first("CLIENT_TIMEOUT"),
            source_address: first("SOURCE_ADDR"),
            source_token: first("SOURCE_TOKEN").map(SecretString::new),
            disable_redirects: first("DISABLE_REDIRECTS"),
            mfa: first("MFA").map(SecretString::new),
            wrap_ttl: first("WRAP_TTL"),
            files: Files { home: filled("HOME").map(PathBuf::from), token: path("TOKEN_PATH"), config: path("CONFIG_PATH") },
            aside: Aside::default(),
        }
    }
}

/// The last part of the path that the program was started by.
fn program(arg: Option<std::ffi::OsString>) -> String {
    let name = arg.map(PathBuf::from).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| PROGRAM.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Environment, program};

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

    #[test]
    fn hints_name_the_program_as_it_was_called() {
        assert_eq!(program(Some("/usr/bin/bao".into())), "bao");
        assert_eq!(program(Some("vault".into())), "vault");
        assert_eq!(program(None), "strongroom");
    }
}
