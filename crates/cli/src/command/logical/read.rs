//! `read`.

use clap::Args;
use strongroom_client::{Method, Request};

use super::{Input, borrowed, query};
use crate::connection::Connection;
use crate::environment::Environment;
use crate::input as given;
use crate::output::{Failure, Format, Printed, secret};

#[derive(Args)]
pub struct Read {
    /// Path to read, such as secret/data/app
    path: String,
    /// Parameters of the read
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Read {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Input) -> Result<Printed, Failure> {
        let session = self.connection.open_for(environment, input, true)?;
        let path = self.path.trim_matches('/');
        let parameters = query(given::parse_data(&self.parameters, session.input)?);
        let doing = format!("reading {path}");
        let request = Request { method: Method::Get, path, query: &borrowed(&parameters), body: None };
        let answer = session.client.exchange::<()>(request).await.map_err(|error| Failure::of(&error, &doing))?;
        if session.format == Format::Raw && self.field.is_none() && answer.status() < 400 {
            return Ok(Printed::line(String::from_utf8_lossy(answer.body())));
        }
        let envelope = answer.found().map_err(|error| Failure::of(&error, &doing))?.ok_or_else(|| Failure::nothing_at(path))?;
        secret::print(&envelope, session.format, self.field.as_deref())
    }
}
