//! `auth move` and `secrets move`. Must never call a move a success before the server does.

use clap::Args;

use crate::connection::{Connection, Session};
use crate::output::{Failure, Printed};

#[derive(Args)]
pub struct Move {
    /// Path to move from
    pub(super) source: String,
    /// Path to move to
    pub(super) destination: String,
    #[command(flatten)]
    pub(super) connection: Connection,
}

/// Moves what is mounted. `kind` is for the texts, `full` makes a path as `sys/remount` takes it.
pub(super) async fn remount(
    session: &Session<'_>,
    kind: &str,
    from: &str,
    to: &str,
    full: impl Fn(&str) -> String,
) -> Result<Printed, Failure> {
    let doing = format!("moving {kind} {from} to {to}");
    let failed = |error| Failure::of(&error, &doing);
    let id = session.client.remount(&full(from), &full(to)).await.map_err(failed)?;
    match session.client.remount_status(&id).await.map_err(failed)?.as_deref() {
        Some("success") => {
            let started = format!("Started {doing}, with migration ID {id}\n");
            Ok(Printed::line(format!("{started}Success! Finished {doing}, with migration ID {id}")))
        }
        Some("failure") => Err(Failure::server(format!("Failure! The server failed at {doing}, migration ID {id}"))),
        _ => Ok(Printed::line(format!("Started {doing}, with migration ID {id}"))),
    }
}
