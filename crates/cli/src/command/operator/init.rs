//! `operator init`. The keys that it prints are printed once.

use std::io::Read;

use clap::Args;
use serde_json::json;
use strongroom_client::api::InitRequest;

use super::public_key::public_key;
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, seal};
use crate::{EXIT_LOCAL, EXIT_OK, EXIT_SERVER};

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
    /// Number of recovery keys to make; for seals that open by themselves, which this server has none of
    #[arg(long, value_name = "COUNT", hide = true)]
    recovery_shares: Option<u64>,
    /// Number of recovery keys that count as one
    #[arg(long, value_name = "COUNT", hide = true)]
    recovery_threshold: Option<u64>,
    /// Public keys for the recovery keys
    #[arg(long, value_delimiter = ',', hide = true)]
    recovery_pgp_keys: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Init {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        if is_set(self.status) {
            return init_status(&session).await;
        }
        if self.recovery_shares.is_some() || self.recovery_threshold.is_some() || !self.recovery_pgp_keys.is_empty() {
            return Err(Failure::local(
                "recovery keys belong to seals that open by themselves; this server's has unseal keys: -key-shares and -key-threshold",
            ));
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
