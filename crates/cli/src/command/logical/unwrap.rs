//! `unwrap`: opens a wrapping token, which works once.

use clap::Args;

use super::Input;
use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Printed, secret};

#[derive(Args)]
pub struct Unwrap {
    /// Wrapping token, or - to read it from standard input; absent: the token in use is the wrapping token
    token: Option<String>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Unwrap {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        // It is spent at once, so nobody is warned that it stays in the history.
        let token = match self.token.as_deref() {
            Some("-") => Some(session.secret("-", "wrapping token")?),
            other => other.map(Into::into),
        };
        let answer = match token {
            // Without another token the wrapping token is its own right to be opened.
            Some(token) if !session.client.has_token() => session.client.with_token(token)?.unwrap(None).await,
            token => session.client.unwrap(token.as_ref()).await,
        };
        let envelope = answer
            .map_err(|error| Failure::of(&error, "unwrapping"))?
            .ok_or_else(|| Failure::server("The wrapping token held nothing"))?;
        secret::print(&envelope, session.format, self.field.as_deref())
    }
}
