//! `login`: logs in, or checks a token, and keeps the token for later commands. Must never store a token that the server refuses, nor print one
//! unless asked for the answer.

use std::io::Read;

use clap::Args;
use serde_json::Value;
use strongroom_client::api::{Auth, Envelope};
use strongroom_types::SecretString;

use super::logical::noted_data;
use super::login_method::{self, LoginMethod};
use crate::arguments::is_set;
use crate::connection::{Connection, Session};
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed, secret};
use crate::token_store::TokenStore;

#[derive(Args)]
pub struct Login {
    /// Token, or - to read it from standard input; asked for when absent. Other methods take KEY=VALUE
    #[arg(value_name = "TOKEN | KEY=VALUE")]
    arguments: Vec<String>,
    /// The way to log in: token, userpass or approle
    #[arg(long, default_value = "token")]
    method: String,
    /// Where the method is enabled; its name when absent
    #[arg(long)]
    path: Option<String>,
    /// Check the token only, don't keep it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    no_store: Option<bool>,
    /// Keep the token and print nothing
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    no_print: Option<bool>,
    /// Print the token alone and don't keep it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    token_only: Option<bool>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Login {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let format = session.format;
        let tokens = TokenStore::find(&environment.files)?;
        let envelope = match LoginMethod::parse(&self.method)? {
            LoginMethod::Token => self.check_token(session).await?,
            method => self.by_data(method, session).await?,
        };
        // Wrapped, and to be left so.
        let Some(auth) = &envelope.auth else { return secret::print(&envelope, format, self.wrapped_field()) };
        let notes = self.keep(environment, &tokens, &auth.client_token)?;
        self.printed(&envelope, format, notes)
    }

    async fn check_token(&self, mut session: Session<'_>) -> Result<Envelope, Failure> {
        let token = match self.arguments.as_slice() {
            [] => session.prompt("Token", "token").map_err(|failure| failure.when("authenticating"))?,
            [arg] => session.secret(arg.strip_prefix("token=").unwrap_or(arg), "token")?,
            _ => return Err(Failure::local("Error authenticating: too many arguments, a token is one")),
        };
        let client = session.client.with_token(token.duplicate()).map_err(|error| Failure::of(&error, "authenticating"))?;
        let answer = client.lookup_self().await.map_err(|error| Failure::of(&error, "authenticating"))?;
        let data = answer
            .and_then(|envelope| envelope.data)
            .ok_or_else(|| Failure::server("Error authenticating: the server did not describe the token"))?;
        Ok(auth(&data, token))
    }

    async fn by_data(&self, method: LoginMethod, mut session: Session<'_>) -> Result<Envelope, Failure> {
        let data = noted_data(&self.arguments, &mut session)?;
        let path = self.path.as_deref().unwrap_or(&self.method);
        let nothing = || Failure::server("Error authenticating: the server gave no token");
        let answer = match method {
            LoginMethod::Approle => login_method::approle(&session, path, data).await?,
            _ => login_method::userpass(&session, path, data).await?,
        };
        let envelope = answer.ok_or_else(nothing)?;
        let Some(wrap) = envelope.wrap_info.as_ref().filter(|wrap| !wrap.token.is_empty()) else {
            return if envelope.auth.is_some() { Ok(envelope) } else { Err(nothing()) };
        };
        if is_set(self.no_store) || is_set(self.token_only) {
            return Ok(envelope);
        }
        let client = session.client.without_wrapping().with_token(wrap.token.duplicate());
        let unwrapped = async { client?.unwrap(None).await }.await;
        unwrapped.map_err(|error| Failure::of(&error, "unwrapping the login"))?.filter(|e| e.auth.is_some()).ok_or_else(nothing)
    }

    fn wrapped_field(&self) -> Option<&str> {
        if is_set(self.token_only) { Some("wrapping_token") } else { self.field.as_deref() }
    }

    /// What the user should know about where the token is.
    fn keep(&self, environment: &Environment, tokens: &TokenStore, token: &SecretString) -> Result<String, Failure> {
        if is_set(self.no_store) || is_set(self.token_only) {
            return Ok("The token was not stored; pass it with STRONGROOM_TOKEN.\n".to_owned());
        }
        tokens.store(token)?;
        let stored = format!("Later commands use the token from {}.\n", tokens.place());
        match environment.token {
            Some(_) => Ok(stored + "WARNING! A token variable is set in the environment; it wins over the stored token.\n"),
            None => Ok(stored),
        }
    }

    fn printed(&self, envelope: &Envelope, format: Format, notes: String) -> Result<Printed, Failure> {
        let field = if is_set(self.token_only) { Some("token") } else { self.field.as_deref() };
        if is_set(self.no_print) {
            return Ok(Printed::text(""));
        }
        let printed = secret::print(envelope, format, field)?;
        let greets = format == Format::Table && field.is_none();
        Ok(if greets { Printed { err: format!("Success! You are now authenticated.\n{notes}\n"), ..printed } } else { printed })
    }
}

/// A look-up in the shape of a login's answer.
fn auth(data: &Value, token: SecretString) -> Envelope {
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |name: &str| data.get(name).and_then(|value| serde_json::from_value(value.clone()).ok());
    let policies: Vec<String> = list("policies").unwrap_or_default();
    let auth = Auth {
        client_token: token,
        accessor: text("accessor"),
        token_policies: policies.clone(),
        policies,
        identity_policies: list("identity_policies"),
        metadata: data.get("meta").and_then(|meta| serde_json::from_value(meta.clone()).ok()),
        entity_id: text("entity_id"),
        token_type: text("type"),
        lease_duration: data.get("ttl").and_then(Value::as_u64).unwrap_or(0),
        renewable: data.get("renewable").and_then(Value::as_bool).unwrap_or(false),
        orphan: data.get("orphan").and_then(Value::as_bool).unwrap_or(false),
        num_uses: data.get("num_uses").and_then(Value::as_u64).unwrap_or(0),
    };
    Envelope { auth: Some(auth), ..Envelope::default() }
}
