//! `token capabilities`: what a token may do at a path.

use std::io::Read;

use clap::Args;
use serde_json::Value;
use strongroom_client::Method;
use strongroom_client::api::CapabilitiesRequest;

use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::value::plain;
use crate::output::{Failure, Format, Printed};

#[derive(Args)]
pub struct Capabilities {
    /// A path for the token in use; a token and a path for another one, with - to read the token from standard input
    #[arg(value_name = "[TOKEN] PATH", num_args = 1..=2, required = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Capabilities {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        let (at, body) = match self.arguments.as_slice() {
            [token, path] => {
                let token = session.secret(token, "token")?;
                ("sys/capabilities", CapabilitiesRequest { token: Some(token), paths: vec![path.clone()] })
            }
            [path] => ("sys/capabilities-self", CapabilitiesRequest { token: None, paths: vec![path.clone()] }),
            _ => return Err(Failure::local("expected a path, or a token and a path")),
        };
        let failed = |error| Failure::of(&error, "listing capabilities");
        let answer = session.client.request(Method::Post, at, Some(&body)).await.map_err(failed)?;
        let data: Value = answer.data().map_err(failed)?;
        let mut found: Vec<String> =
            data.get("capabilities").and_then(Value::as_array).into_iter().flatten().map(plain).collect();
        found.sort();
        match session.format {
            Format::Table => Ok(Printed::line(found.join(", "))),
            format => Printed::structured(&found, format),
        }
    }
}
