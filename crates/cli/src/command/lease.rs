//! `lease`: look up, renew and revoke what engines gave out for a time. Must never turn an id into a prefix unasked: that ends the
//! leases of others.

use std::io::Read;

use clap::{Args, Subcommand};
use strongroom_client::RevokeLeases;

use super::token::answered;
use crate::arguments::{duration_s, is_set};
use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Printed};

#[derive(Subcommand)]
pub enum Lease {
    /// Describe a lease
    Lookup(Lookup),
    /// Extend a lease
    Renew(Renew),
    /// End a lease, or all below a path
    Revoke(Revoke),
}

#[derive(Args)]
pub struct Lookup {
    /// Id of the lease, as database/creds/app/...
    id: String,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Renew {
    /// Id of the lease
    id: String,
    /// Life to ask for; the server may give less
    #[arg(long, short, value_name = "DURATION", value_parser = duration_s)]
    increment: Option<u64>,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Args)]
pub struct Revoke {
    /// Id of the lease; with -prefix a path
    id: String,
    /// End all leases and tokens below the path
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    prefix: Option<bool>,
    /// Remove leases also when their engine cannot end what they stand for; needs -prefix
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    force: Option<bool>,
    /// Wait until it is done, and fail when it fails
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    sync: Option<bool>,
    #[command(flatten)]
    connection: Connection,
}

impl Lease {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        match self {
            Self::Lookup(command) => command.execute(environment, input).await,
            Self::Renew(command) => command.execute(environment, input).await,
            Self::Revoke(command) => command.execute(environment, input).await,
        }
    }
}

impl Lookup {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let answer = session.client.lookup_lease(&self.id).await;
        let envelope = answer.map_err(|error| Failure::of(&error, &format!("looking up lease id {}", self.id)))?;
        answered(envelope.as_ref(), &session, self.field.as_deref())
    }
}

impl Renew {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let session = self.connection.open(environment, input)?;
        let answer = session.client.renew_lease(&self.id, self.increment).await;
        let envelope = answer.map_err(|error| Failure::of(&error, &format!("renewing {}", self.id)))?;
        answered(envelope.as_ref(), &session, self.field.as_deref())
    }
}

impl Revoke {
    async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let (prefix, force, sync) = (is_set(self.prefix), is_set(self.force), is_set(self.sync));
        if force && !prefix {
            return Err(Failure::local("Specifying -force requires also specifying -prefix"));
        }
        let session = self.connection.open(environment, input)?;
        let (how, doing) = match (prefix, force) {
            (true, true) => (RevokeLeases::Force, "force revoking leases with prefix"),
            (true, false) => (RevokeLeases::Below { sync }, "revoking leases with prefix"),
            (false, _) => (RevokeLeases::One { sync }, "revoking lease"),
        };
        let answer = session.client.revoke_leases(&self.id, how).await;
        answer.map_err(|error| Failure::of(&error, &format!("{doing} {}", self.id)))?;
        Ok(said(how, &self.id))
    }
}

fn said(how: RevokeLeases, id: &str) -> Printed {
    match how {
        RevokeLeases::Force => Printed {
            err: "Warning! What the removed leases stood for may still be in place: their engine was not heard.\n".into(),
            ..Printed::line(format!("Success! Force revoked any leases with prefix: {id}"))
        },
        RevokeLeases::Below { sync: true } => Printed::line(format!("Success! Revoked any leases with prefix: {id}")),
        RevokeLeases::One { sync: true } => Printed::line(format!("Success! Revoked lease: {id}")),
        RevokeLeases::Below { .. } | RevokeLeases::One { .. } => Printed::line("All revocation operations queued successfully!"),
    }
}
