//! `operator`: the life of the root key. Must never store or log a share: they go to stdout once, or come from a prompt, standard
//! input or an argument.

mod generate_root;
mod replace;

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::json;
use strongroom_client::Door;
use strongroom_client::api::{InitRequest, UnsealRequest};

use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, seal};
use crate::{EXIT_LOCAL, EXIT_OK, EXIT_SERVER};

#[derive(Subcommand)]
pub enum Operator {
    /// Make the root key, split it into unseal keys and create the first root token
    Init(Init),
    /// Give one unseal key
    Unseal(Unseal),
    /// Forget the root key until the next unseal
    Seal(Plain),
    /// Show the key that encrypts new entries
    KeyStatus(Plain),
    /// Put a new encryption key in use; older entries stay readable
    Rotate(Plain),
    /// Replace the unseal keys
    RotateKeys(replace::Replace),
    /// Replace the unseal keys without a token, at a listener that opens it
    Rekey(replace::Replace),
    /// Make a root token from enough unseal keys
    GenerateRoot(generate_root::GenerateRoot),
}

#[derive(Args)]
pub struct Init {
    /// Number of unseal keys to make
    #[arg(long, short = 'n', default_value_t = 5)]
    key_shares: u64,
    /// Number of unseal keys that open the seal
    #[arg(long, short = 't', default_value_t = 3)]
    key_threshold: u64,
    /// Files with OpenPGP public keys, one for each unseal key, to encrypt them to
    #[arg(long, value_delimiter = ',')]
    pgp_keys: Vec<String>,
    /// File with an OpenPGP public key to encrypt the root token to
    #[arg(long)]
    root_token_pgp_key: Option<String>,
    /// Only tell whether the server is initialized (exit code 2: it is not)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    status: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Unseal {
    /// Unseal key, or - to read it from standard input; asked for when absent
    key: Option<String>,
    /// Forget the keys given so far
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    reset: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    connection: Connection,
}

impl Operator {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Init(command) => command.execute(environment, input).await,
            Self::Unseal(command) => command.execute(environment, input).await,
            Self::Seal(Plain { connection }) => seal_server(&connection.open(environment, input)?).await,
            Self::KeyStatus(Plain { connection }) => key_status(&connection.open(environment, input)?).await,
            Self::RotateKeys(command) => command.execute(Door::Token, environment, input).await,
            Self::Rekey(command) => command.execute(Door::Open, environment, input).await,
            Self::GenerateRoot(command) => command.execute(environment, input).await,
            Self::Rotate(Plain { connection }) => rotate(&connection.open(environment, input)?).await,
        }
    }
}

impl Init {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        if is_set(self.status) {
            return init_status(&session).await;
        }
        let request = InitRequest {
            secret_shares: self.key_shares,
            secret_threshold: self.key_threshold,
            pgp_keys: self.pgp_keys.iter().map(|path| public_key(path)).collect::<Result<_, _>>()?,
            root_token_pgp_key: self.root_token_pgp_key.as_deref().map(public_key).transpose()?,
        };
        let answer = session.client.init(&request).await.map_err(|error| Failure::of(&error, "initializing"))?;
        seal::init(&answer, &request, session.format)
    }
}

/// 0 yes, 2 no, 1 unknown.
async fn init_status(session: &Session<'_>) -> Result<Printed, Failure> {
    let answer = session.client.is_initialized().await;
    let initialized = answer.map_err(|error| Failure { code: EXIT_LOCAL, ..Failure::of(&error, "checking initialization") })?;
    let printed = match session.format {
        Format::Table if initialized => Printed::line("Vault is initialized"),
        Format::Table => Printed::line("Vault is not initialized"),
        format => Printed::structured(&json!({ "Initialized": initialized }), format)?,
    };
    Ok(printed.with_code(if initialized { EXIT_OK } else { EXIT_SERVER }))
}

impl Unseal {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        let (request, doing) = match (is_set(self.reset), self.key) {
            (true, _) => (UnsealRequest { key: None, reset: true }, "resetting the unseal attempt"),
            (false, Some(arg)) => (UnsealRequest { key: Some(session.secret(&arg, "unseal key")?), reset: false }, "unsealing"),
            (false, None) => (UnsealRequest { key: Some(session.prompt("Unseal Key", "key")?), reset: false }, "unsealing"),
        };
        let status = session.client.unseal(&request).await.map_err(|error| Failure::of(&error, doing))?;
        let leader = session.client.leader().await.ok();
        seal::status(&status, leader.as_ref(), session.format)
    }
}

async fn seal_server(session: &Session<'_>) -> Result<Printed, Failure> {
    session.client.seal().await.map_err(|error| Failure::of(&error, "sealing"))?;
    Ok(Printed::line("Success! Vault is sealed."))
}

async fn key_status(session: &Session<'_>) -> Result<Printed, Failure> {
    let status = session.client.key_status().await.map_err(|error| Failure::of(&error, "reading key status"))?;
    seal::key_status(&status, "", session.format)
}

async fn rotate(session: &Session<'_>) -> Result<Printed, Failure> {
    session.client.rotate().await.map_err(|error| Failure::of(&error, "rotating key"))?;
    let status = session.client.key_status().await.map_err(|error| Failure::of(&error, "reading key status"))?;
    seal::key_status(&status, "Success! Rotated key\n\n", session.format)
}

/// A public key in base64 from a file that holds it armored, in base64 or binary. Errors: names are not looked up anywhere.
fn public_key(path: &str) -> Result<String, Failure> {
    use base64::Engine as _;
    if path.starts_with("keybase:") {
        return Err(Failure::local("keybase names are not looked up: export the public key to a file and give its path"));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::local(format!("Error reading {path}: {error}")))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim_start().starts_with("-----BEGIN PGP") => Ok(without_armor(text)),
        Ok(text) => Ok(text.split_ascii_whitespace().collect()),
        Err(_) => Ok(base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}

/// The base64 lines between the headers and the checksum.
fn without_armor(text: &str) -> String {
    let body = text.trim_start().lines().skip(1).skip_while(|line| !line.trim().is_empty()).skip(1);
    body.map(str::trim).take_while(|line| !line.starts_with('=') && !line.starts_with("-----")).collect()
}

#[cfg(test)]
mod tests {
    use super::without_armor;

    #[test]
    fn armor_is_taken_off() {
        let text = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\nAAEC\nAwQF\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(without_armor(text), "AAECAwQF");
        assert_eq!(without_armor("-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\nAAEC\r\n-----END"), "AAEC");
    }
}
