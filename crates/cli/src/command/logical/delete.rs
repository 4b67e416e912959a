//! `delete`.

use clap::Args;
use strongroom_client::api::Envelope;
use strongroom_client::{Method, Request, Response};

use super::{Input, borrowed, query, warnings};
use crate::connection::Connection;
use crate::environment::Environment;
use crate::input as given;
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct Delete {
    /// Path to delete
    path: String,
    /// Parameters of the deletion
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Delete {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let path = self.path.trim_matches('/');
        let parameters = query(given::parse_data(&self.parameters, session.input)?);
        let request = Request { method: Method::Delete, path, query: &borrowed(&parameters), body: None };
        let answer = session.client.exchange::<()>(request).await.and_then(Response::checked);
        deleted(path, answer.map_err(|error| Failure::of(&error, &format!("deleting {path}")))?.envelope()?)
    }
}

pub(in crate::command) fn deleted(path: &str, envelope: Option<Envelope>) -> Result<Printed, Failure> {
    let line = Printed::line(format!("Success! Data deleted (if it existed) at: {path}"));
    Ok(line.warned(warnings(envelope.as_ref())))
}
