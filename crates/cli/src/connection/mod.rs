//! The flags every command has, and what they and the environment make together: a client and a way to print. Must never print
//! the token.

#[cfg(test)]
mod tests;
mod tls;

use std::io::Read;
use std::time::Duration;

use clap::Args;
use strongroom_client::{Client, Config};
use strongroom_types::SecretString;

use crate::arguments::{duration_s, is_set, pair};
use crate::aside::{Aside, Show};
use crate::environment::Environment;
use crate::input as given;
use crate::output::{Failure, Format};
use crate::token_store::TokenStore;

const ADDRESS: &str = "https://127.0.0.1:8200";

/// Flags of every command. They win over the environment.
// No Debug: the second factor is one of them.
#[derive(Args, Clone, Default)]
pub(crate) struct Connection {
    /// Server to talk to, as https://host:port or unix:///socket [environment: STRONGROOM_ADDR; default: https://127.0.0.1:8200]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    address: Option<String>,
    /// Agent to talk to instead of the server [environment: STRONGROOM_AGENT_ADDR]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    agent_address: Option<String>,
    /// Namespace to work in [environment: STRONGROOM_NAMESPACE]
    #[arg(long, alias = "ns", value_name = "PATH", help_heading = "Connection")]
    namespace: Option<String>,
    /// Ask for the answer inside a single-use token that lives this long [environment: STRONGROOM_WRAP_TTL]
    #[arg(long, value_name = "DURATION", value_parser = crate::arguments::duration_text, help_heading = "Connection")]
    wrap_ttl: Option<String>,
    /// Header to send with every request; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, help_heading = "Connection")]
    header: Vec<(String, String)>,
    /// Second factor, as METHOD:CODE [environment: STRONGROOM_MFA]
    #[arg(long, value_name = "METHOD:CODE", help_heading = "Connection")]
    mfa: Option<String>,
    /// Don't follow a redirect [environment: STRONGROOM_DISABLE_REDIRECTS]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Connection")]
    disable_redirects: Option<bool>,
    /// Accepted for scripts; there are no policies here that could be overridden
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, hide = true)]
    policy_override: Option<bool>,
    /// Accepted for scripts; there are no locked namespaces here
    #[arg(long, value_name = "KEY", hide = true)]
    unlock_key: Option<String>,
    #[command(flatten)]
    tls: tls::Tls,
    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug, Clone, Default)]
struct Output {
    /// How to print the answer: table, json, yaml, or raw for read [environment: STRONGROOM_FORMAT]
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<String>,
    /// Never ask; fail where something would have to be asked for
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Output")]
    non_interactive: Option<bool>,
    /// Send nothing; print a curl command that would
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Output")]
    output_curl_string: Option<bool>,
    /// Send nothing; print a policy that allows it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true, help_heading = "Output")]
    output_policy: Option<bool>,
}

/// A command's way to the server and to the user.
pub(crate) struct Session<'a> {
    pub client: Client,
    pub format: Format,
    /// Standard input, for values given as `-`.
    pub input: &'a mut dyn Read,
    pub aside: &'a Aside,
    asks: bool,
}

impl Connection {
    /// Errors: a flag, variable or file that cannot be used.
    pub(crate) fn open<'a>(&self, environment: &'a Environment, input: &'a mut dyn Read) -> Result<Session<'a>, Failure> {
        self.open_for(environment, input, false)
    }

    /// The same for a command that can print the body as it came, if `takes_raw`.
    pub(crate) fn open_for<'a>(
        &self,
        environment: &'a Environment,
        input: &'a mut dyn Read,
        takes_raw: bool,
    ) -> Result<Session<'a>, Failure> {
        let tokens = TokenStore::find(&environment.files)?;
        let format = self.output.format.as_ref().or(environment.format.as_ref());
        let format = format.map_or(Ok(Format::Table), |text| Format::parse(text))?;
        if format == Format::Raw && !takes_raw {
            return Err(Failure::local(
                "This command does not support the -format=raw option: only read has an answer to show raw",
            ));
        }
        let client = self.client(environment, &tokens)?;
        let client = match self.output.show() {
            Some(show) => client.previewing(environment.aside.preview(show)),
            None => client,
        };
        let asks = !is_set(self.output.non_interactive);
        Ok(Session { client, format, input, aside: &environment.aside, asks })
    }

    fn client(&self, environment: &Environment, tokens: &TokenStore) -> Result<Client, Failure> {
        let mut client = Client::new(self.config(environment, tokens)?)?;
        if let Some(ttl) = self.wrap_ttl.as_ref().or(environment.wrap_ttl.as_ref()) {
            client = client.with_wrap_ttl(ttl)?;
        }
        for (name, value) in &self.header {
            if name.to_ascii_lowercase().starts_with("x-vault-") {
                return Err(Failure::server(format!(
                    "-header: {name}: names that begin with X-Vault- are for internal use only"
                )));
            }
            client = client.with_header(name, value)?;
        }
        let mfa = self.mfa.as_deref().or_else(|| environment.mfa.as_ref().map(|mfa| mfa.expose()));
        if let Some(credentials) = mfa {
            client = client.with_mfa(credentials)?;
        }
        Ok(client)
    }

    fn config(&self, environment: &Environment, tokens: &TokenStore) -> Result<Config, Failure> {
        let agent = self.agent_address.as_ref().or(environment.agent_address.as_ref());
        let address = agent.or(self.address.as_ref()).or(environment.address.as_ref()).map_or(ADDRESS, String::as_str);
        let mut config = Config::new(address);
        config.token = match &environment.token {
            Some(token) => Some(token.duplicate()),
            None => tokens.load()?,
        };
        config.namespace = self.namespace.clone().or_else(|| environment.namespace.clone());
        let stays = || truth("DISABLE_REDIRECTS", environment.disable_redirects.as_deref());
        config.follow_redirects = !self.disable_redirects.map_or_else(stays, Ok)?;
        self.tls.apply(&environment.tls, &mut config)?;
        if let Some(text) = &environment.client_timeout {
            let seconds =
                duration_s(text).map_err(|error| Failure::local(format!("CLIENT_TIMEOUT in the environment: {error}")))?;
            config.timeout = Duration::from_secs(seconds.max(1));
        }
        Ok(config)
    }
}

impl Output {
    fn show(&self) -> Option<Show> {
        match (is_set(self.output_curl_string), is_set(self.output_policy)) {
            (true, _) => Some(Show::Curl),
            (_, true) => Some(Show::Policy),
            _ => None,
        }
    }
}

impl Session<'_> {
    /// Asks on the terminal. Errors: `name` was not given, and asking is not allowed or not possible.
    pub(crate) fn prompt(&self, label: &str, name: &str) -> Result<SecretString, Failure> {
        if self.asks {
            return given::prompt(label);
        }
        Err(Failure::local(format!(
            "'{name}' not supplied, and -non-interactive forbids to ask for it; give - to read it from standard input"
        )))
    }

    /// A secret that was given as an argument, or is read from standard input for `-`.
    pub(crate) fn secret(&mut self, arg: &str, name: &str) -> Result<SecretString, Failure> {
        if arg != "-" {
            self.aside.note_visible(name);
        }
        given::secret(arg, self.input)
    }
}

/// A variable of the environment that is yes or no; unset is no. Errors: it is neither.
fn truth(name: &str, text: Option<&str>) -> Result<bool, Failure> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("0" | "f" | "false") => Ok(false),
        Some("1" | "t" | "true") => Ok(true),
        Some(_) => Err(Failure::local(format!("{name} in the environment must be true or false"))),
    }
}
