//! `path-help`: what the server says about a path.

use std::io::Read;

use clap::Args;
use serde_json::Value;
use strongroom_client::{Method, Request, Response};

use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Format, Printed};

#[derive(Args)]
pub struct PathHelp {
    /// Path to ask about, such as sys/mounts
    path: String,
    #[command(flatten)]
    connection: Connection,
}

impl PathHelp {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let failed = |error| Failure::of(&error, "retrieving help");
        let path = self.path.trim_matches('/');
        let request = Request { method: Method::Get, path, query: &[("help", "1")], body: None };
        let answer = session.client.exchange::<()>(request).await.and_then(Response::checked).map_err(failed)?;
        let help: Value = answer.json().map_err(failed)?;
        if session.format != Format::Table {
            return Printed::structured(help.get("openapi").unwrap_or(&help), session.format);
        }
        let text = help.get("help").and_then(Value::as_str);
        let text = text.ok_or_else(|| Failure::server(format!("The server has no help for {path}")))?;
        Ok(Printed::line(text.trim_end()))
    }
}
