//! `operator generate-root`: a root token from enough unseal keys. With a token it speaks to `sys/generate-root-token`, without
//! one to `sys/generate-root`, which a listener has to open. Decoding needs no server.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use clap::Args;
use serde_json::json;
use strongroom_client::Door;
use strongroom_client::api::GenerateRootRequest;
use strongroom_types::SecretString;
use zeroize::Zeroizing;

use super::public_key::public_key;
use super::replace::share;
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, ceremony};

#[derive(Args)]
pub struct GenerateRoot {
    /// Unseal key, or - to read it from standard input; asked for when absent
    key: Option<String>,
    /// Start generating a root token
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    init: Option<bool>,
    /// Cancel, and forget the keys given so far
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    cancel: Option<bool>,
    /// Show how far it is
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    status: Option<bool>,
    /// Make and print a one-time password for -init
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    generate_otp: Option<bool>,
    /// Encoded token to decode with -otp, or - to read it from standard input
    #[arg(long)]
    decode: Option<String>,
    /// One-time password, for -init (one is made when absent) or -decode
    #[arg(long)]
    otp: Option<String>,
    /// File with an OpenPGP public key to encrypt the token to
    #[arg(long)]
    pgp_key: Option<String>,
    /// Nonce that -init printed
    #[arg(long, default_value = "")]
    nonce: String,
    #[command(flatten)]
    connection: Connection,
}

impl GenerateRoot {
    pub(super) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        if let Some(encoded) = &self.decode {
            return decode(encoded, self.otp.as_deref().unwrap_or_default(), &mut session);
        }
        if is_set(self.generate_otp) {
            return one_time_password(&session).await;
        }
        let door = if session.client.has_token() { Door::Token } else { Door::Open };
        let nonce = Some(self.nonce.as_str()).filter(|nonce| !nonce.is_empty());
        if is_set(self.cancel) {
            session.client.generate_root_cancel(door, nonce).await.map_err(|e| Failure::of(&e, "canceling root generation"))?;
            return Ok(Printed::line("Success! Root token generation canceled (if it was started)"));
        }
        if is_set(self.init) {
            return self.start(&session, door).await;
        }
        let read = session.client.generate_root_status(door).await;
        let status = read.map_err(|e| Failure::of(&e, "reading root generation status"))?;
        if is_set(self.status) {
            return ceremony::generate_root(&status, session.format);
        }
        if !status.started {
            return Err(Failure::local("No root generation is in progress. Start one with -init."));
        }
        let share = share(self.key, nonce, &status.nonce, &mut session)?;
        let given = session.client.generate_root_give(door, &share).await;
        ceremony::generate_root(&given.map_err(|e| Failure::of(&e, "giving the key"))?, session.format)
    }

    async fn start(&self, session: &Session<'_>, door: Door) -> Result<Printed, Failure> {
        let pgp_key = self.pgp_key.as_deref().map(public_key).transpose()?;
        let request = GenerateRootRequest { otp: self.otp.as_deref().map(SecretString::from), pgp_key };
        let started = session.client.generate_root_start(door, &request).await;
        ceremony::generate_root(&started.map_err(|e| Failure::of(&e, "initializing root generation"))?, session.format)
    }
}

/// As long as a token of this server is. Errors: the server does not tell how long that is.
async fn one_time_password(session: &Session<'_>) -> Result<Printed, Failure> {
    let door = if session.client.has_token() { Door::Token } else { Door::Open };
    let status = session.client.generate_root_status(door).await.map_err(|e| Failure::of(&e, "reading the length of the OTP"))?;
    let length = usize::try_from(status.otp_length).unwrap_or_default();
    if length == 0 {
        return Err(Failure::server("The server did not tell how long the OTP must be"));
    }
    let otp = crate::random::letters(length).map_err(|error| Failure::local(format!("Error making an OTP: {error}")))?;
    match session.format {
        Format::Table => Ok(Printed::text(otp.expose())),
        format => Printed::structured(&json!({ "otp": otp.expose(), "otp_length": length }), format),
    }
}

/// The token, without a line feed, as scripts take it. Errors: the two do not belong together.
fn decode(encoded: &str, otp: &str, session: &mut Session<'_>) -> Result<Printed, Failure> {
    let encoded = session.secret(encoded, "encoded token")?;
    let text = encoded.expose();
    let mixed = STANDARD_NO_PAD.decode(text).or_else(|_| STANDARD.decode(text));
    let mixed = Zeroizing::new(mixed.map_err(|_| Failure::local("the encoded token is not base64"))?);
    if mixed.len() != otp.len() {
        return Err(Failure::local("-otp is needed, and must be as long as the token"));
    }
    let token = Zeroizing::new(mixed.iter().zip(otp.bytes()).map(|(m, o)| m ^ o).collect::<Vec<_>>());
    let token =
        std::str::from_utf8(&token).map_err(|_| Failure::local("the encoded token and the otp do not belong together"))?;
    match session.format {
        Format::Table => Ok(Printed::text(token)),
        format => Printed::structured(&json!({ "token": token }), format),
    }
}
