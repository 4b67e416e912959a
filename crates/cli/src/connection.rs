//! The flags every command has, and what they and the environment make together: a client and an output format. Must never print
//! the token.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use strongroom_client::{Client, Config};
use strongroom_types::SecretString;

use crate::arguments::{duration_s, is_set};
use crate::environment::Environment;
use crate::output::{Failure, Format};
use crate::token_file;

const ADDRESS: &str = "https://127.0.0.1:8200";

/// Flags of every command. They win over the environment.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Connection {
    /// Server to talk to, as https://host:port or unix:///socket [environment: STRONGROOM_ADDR; default: https://127.0.0.1:8200]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    address: Option<String>,
    /// PEM file with the only authorities to trust [environment: STRONGROOM_CACERT]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    ca_cert: Option<PathBuf>,
    /// Accept any server certificate; for experiments only [environment: STRONGROOM_SKIP_VERIFY]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Connection")]
    tls_skip_verify: Option<bool>,
    /// Namespace to work in [environment: STRONGROOM_NAMESPACE]
    #[arg(long, alias = "ns", value_name = "PATH", help_heading = "Connection")]
    namespace: Option<String>,
    /// Ask for the answer inside a single-use token that lives this long
    #[arg(long, value_name = "DURATION", value_parser = crate::arguments::duration_text, help_heading = "Connection")]
    wrap_ttl: Option<String>,
    /// How to print the answer: table or json [environment: STRONGROOM_FORMAT]
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<String>,
}

/// A command's way to the server and to the user.
pub(crate) struct Session<'a> {
    pub client: Client,
    pub format: Format,
    /// Standard input, for values given as `-`.
    pub input: &'a mut dyn Read,
}

impl Connection {
    /// Errors: a flag, variable or file that cannot be used.
    pub(crate) fn open<'a>(&self, environment: &Environment, input: &'a mut dyn Read) -> Result<Session<'a>, Failure> {
        let format = self.format.as_ref().or(environment.format.as_ref());
        let format = format.map_or(Ok(Format::Table), |text| Format::parse(text))?;
        let client = Client::new(self.config(environment)?).map_err(|error| Failure::of(&error, ""))?;
        let client = match &self.wrap_ttl {
            Some(ttl) => client.with_wrap_ttl(ttl).map_err(|error| Failure::of(&error, ""))?,
            None => client,
        };
        Ok(Session { client, format, input })
    }

    fn config(&self, environment: &Environment) -> Result<Config, Failure> {
        let address = self.address.as_ref().or(environment.address.as_ref()).map_or(ADDRESS, String::as_str);
        let mut config = Config::new(address);
        config.token = token(environment)?;
        config.namespace = self.namespace.clone().or_else(|| environment.namespace.clone());
        config.tls_skip_verify = self.tls_skip_verify.map_or_else(|| skip_verify(environment), Ok)?;
        if let Some(path) = self.ca_cert.as_ref().or(environment.ca_cert.as_ref()) {
            let read =
                std::fs::read(path).map_err(|error| Failure::local(format!("Error reading {}: {error}", path.display())))?;
            config.ca_certificates_pem = Some(read);
        }
        if let Some(text) = &environment.client_timeout {
            let seconds =
                duration_s(text).map_err(|error| Failure::local(format!("CLIENT_TIMEOUT in the environment: {error}")))?;
            config.timeout = Duration::from_secs(seconds.max(1));
        }
        Ok(config)
    }
}

/// The environment's token, else the one that `login` stored.
fn token(environment: &Environment) -> Result<Option<SecretString>, Failure> {
    match (&environment.token, &environment.home) {
        (Some(token), _) => Ok(Some(token.duplicate())),
        (None, Some(home)) => {
            token_file::load(home).map_err(|error| Failure::local(format!("Error reading the token file: {error}")))
        }
        (None, None) => Ok(None),
    }
}

/// A value that is neither yes nor no must not switch verification off.
fn skip_verify(environment: &Environment) -> Result<bool, Failure> {
    match environment.skip_verify.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("0" | "f" | "false") => Ok(is_set(None)),
        Some("1" | "t" | "true") => Ok(true),
        Some(_) => Err(Failure::local("SKIP_VERIFY in the environment must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(environment: &Environment, connection: &Connection) -> Result<(String, Format), String> {
        let mut nothing = std::io::empty();
        let session = connection.open(environment, &mut nothing).map_err(|failure| failure.message)?;
        Ok((format!("{:?}", session.client), session.format))
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment =
            Environment { address: Some("http://env:1".into()), format: Some("json".into()), ..Environment::default() };
        let (client, format) = opened(&environment, &Connection::default()).unwrap();
        assert!(client.contains("http://env:1") && format == Format::Json);
        let flags = Connection { address: Some("http://flag:2".into()), format: Some("table".into()), ..Connection::default() };
        let (client, format) = opened(&environment, &flags).unwrap();
        assert!(client.contains("http://flag:2") && format == Format::Table);
    }

    #[test]
    fn a_doubtful_setting_is_an_error() {
        for environment in [
            Environment { skip_verify: Some("maybe".into()), ..Environment::default() },
            Environment { client_timeout: Some("soon".into()), ..Environment::default() },
            Environment { format: Some("xml".into()), ..Environment::default() },
            Environment { address: Some("nonsense".into()), ..Environment::default() },
            Environment { ca_cert: Some("/nonexistent.pem".into()), ..Environment::default() },
        ] {
            assert!(opened(&environment, &Connection::default()).is_err(), "{environment:?}");
        }
    }
}
