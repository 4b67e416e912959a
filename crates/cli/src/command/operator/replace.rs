//! `operator rekey` and `operator rotate-keys`: new unseal keys. The one speaks to `sys/rekey` without a token, the other to
//! `sys/rotate/root`. Must never send a share without the nonce that its holder saw.

use std::io::Read;

use clap::Args;
use strongroom_client::Door;
use strongroom_client::api::{ReplaceRequest, ShareRequest};
use strongroom_types::SecretString;

use super::public_key::public_key;
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Printed, ceremony};

#[derive(Args)]
pub struct Replace {
    /// Unseal key, or - to read it from standard input; asked for when absent
    key: Option<String>,
    /// Start replacing the unseal keys
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    init: Option<bool>,
    /// Cancel, and forget the keys given so far
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    cancel: Option<bool>,
    /// Show how far it is
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    status: Option<bool>,
    /// With -init: keys come into force when enough of them were given back. Else: this is about giving them back
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    verify: Option<bool>,
    /// Number of unseal keys to make
    #[arg(long, short = 'n', default_value_t = 5)]
    key_shares: u64,
    /// Number of unseal keys that open the seal
    #[arg(long, short = 't', default_value_t = 3)]
    key_threshold: u64,
    /// Nonce that -init printed
    #[arg(long, default_value = "")]
    nonce: String,
    /// Files with OpenPGP public keys, one for each unseal key, to encrypt them to
    #[arg(long, value_delimiter = ',')]
    pgp_keys: Vec<String>,
    /// Keep the encrypted keys in the store
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    backup: Option<bool>,
    /// Show the encrypted keys that were kept
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    backup_retrieve: Option<bool>,
    /// Delete the encrypted keys that were kept
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    backup_delete: Option<bool>,
    /// What to replace: barrier, as there are no recovery keys
    #[arg(long, default_value = "barrier")]
    target: String,
    #[command(flatten)]
    connection: Connection,
}

impl Replace {
    pub(super) async fn execute(self, door: Door, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        if self.target != "barrier" {
            return Err(Failure::local("-target must be \"barrier\": this server has no recovery keys"));
        }
        let mut session = self.connection.open(environment, input)?;
        let nonce = Some(self.nonce.as_str()).filter(|nonce| !nonce.is_empty());
        let verify = is_set(self.verify);
        if is_set(self.backup_delete) {
            session.client.delete_key_backup().await.map_err(|e| Failure::of(&e, "deleting the backed up keys"))?;
            return Ok(Printed::line("Success! Deleted backed up keys (if they existed)"));
        }
        if is_set(self.backup_retrieve) {
            let backup = session.client.key_backup().await.map_err(|e| Failure::of(&e, "retrieving the backed up keys"))?;
            return ceremony::backup(&backup, session.format);
        }
        match (is_set(self.cancel), is_set(self.init), is_set(self.status)) {
            (true, ..) if verify => cancel_verification(&session, door, nonce).await,
            (true, ..) => cancel(&session, door, nonce).await,
            (_, true, _) => self.start(&session, door).await,
            (_, _, true) if verify => verify_status(&session, door).await,
            (_, _, true) => status(&session, door).await,
            _ if verify => give_back(&mut session, door, self.key, nonce).await,
            _ => give(&mut session, door, self.key, nonce).await,
        }
    }

    async fn start(&self, session: &Session<'_>, door: Door) -> Result<Printed, Failure> {
        let request = ReplaceRequest {
            secret_shares: self.key_shares,
            secret_threshold: self.key_threshold,
            pgp_keys: self.pgp_keys.iter().map(|path| public_key(path)).collect::<Result<_, _>>()?,
            backup: is_set(self.backup),
            require_verification: is_set(self.verify),
        };
        let started = session.client.replace_start(door, &request).await.map_err(|e| Failure::of(&e, "starting"))?;
        ceremony::started(&started, session.format)
    }
}

async fn cancel(session: &Session<'_>, door: Door, nonce: Option<&str>) -> Result<Printed, Failure> {
    session.client.replace_cancel(door, nonce).await.map_err(|e| Failure::of(&e, "canceling"))?;
    let what = if door == Door::Token { "rotation" } else { "rekeying" };
    Ok(Printed::line(format!("Success! Canceled {what} (if it was started)")))
}

async fn cancel_verification(session: &Session<'_>, door: Door, nonce: Option<&str>) -> Result<Printed, Failure> {
    session.client.verify_again(door, nonce).await.map_err(|e| Failure::of(&e, "canceling the verification"))?;
    Ok(Printed::line("Success! Canceled verification (if it was started)"))
}

async fn status(session: &Session<'_>, door: Door) -> Result<Printed, Failure> {
    let status = session.client.replace_status(door).await.map_err(|e| Failure::of(&e, "reading the status"))?;
    ceremony::replace(&status, session.format)
}

async fn verify_status(session: &Session<'_>, door: Door) -> Result<Printed, Failure> {
    let status = session.client.verify_status(door).await.map_err(|e| Failure::of(&e, "reading the status"))?;
    ceremony::verify(&status, session.format)
}

async fn give(session: &mut Session<'_>, door: Door, key: Option<String>, nonce: Option<&str>) -> Result<Printed, Failure> {
    let status = session.client.replace_status(door).await.map_err(|e| Failure::of(&e, "reading the status"))?;
    if !status.started {
        return Err(Failure::local("Nothing is in progress. Start it with -init."));
    }
    let share = share(key, nonce, &status.nonce, session)?;
    let given = session.client.replace_give(door, &share).await.map_err(|e| Failure::of(&e, "giving the key"))?;
    if !given.complete {
        return ceremony::replace(&given, session.format);
    }
    ceremony::new_keys(&given, &status, session.format)
}

async fn give_back(session: &mut Session<'_>, door: Door, key: Option<String>, nonce: Option<&str>) -> Result<Printed, Failure> {
    let status = session.client.verify_status(door).await.map_err(|e| Failure::of(&e, "reading the status"))?;
    let share = share(key, nonce, &status.nonce, session)?;
    let given = session.client.verify_give(door, &share).await.map_err(|e| Failure::of(&e, "giving the key back"))?;
    ceremony::verify(&given, session.format)
}

/// A holder at a terminal is shown the nonce; a script has to know it.
pub(super) fn share(
    key: Option<String>,
    nonce: Option<&str>,
    current: &str,
    session: &mut Session<'_>,
) -> Result<ShareRequest, Failure> {
    let (nonce, key): (&str, SecretString) = match key {
        None => (current, session.prompt(&format!("Operation nonce: {current}\nUnseal Key"), "key")?),
        Some(arg) => {
            let nonce = nonce.ok_or_else(|| Failure::local("Missing nonce value: specify it via the -nonce flag"))?;
            (nonce, session.secret(&arg, "unseal key")?)
        }
    };
    Ok(ShareRequest { nonce: nonce.to_owned(), key })
}
