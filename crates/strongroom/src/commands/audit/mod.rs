//! `strongroom audit`: the offline side of the audit log, beside the client's commands for a server's devices. The former needs
//! the files and the log's public key; it asks no server and no secret. An exit code of 0 means that everything holds, 1 that it doesn't or could not be read.

mod key;
mod proof;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::console;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify a log: every record, hash, checkpoint and key
    Verify(verify::Args),
    /// Write a proof that one record is in the log
    Prove(proof::ProveArgs),
    /// Check such a proof, without the log
    CheckProof(proof::CheckArgs),
    #[command(flatten)]
    Client(Box<strongroom_cli::AuditCommand>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum OutputFormat {
    #[default]
    Table,
    Json,
}

/// What a command has to say, and whether all is well.
struct Outcome {
    text: String,
    is_good: bool,
}

impl Outcome {
    fn good(text: String) -> Self {
        Self { text, is_good: true }
    }
}

pub fn run(command: Audit) -> anyhow::Result<u8> {
    let outcome = match command {
        Audit::Verify(args) => verify::run(args)?,
        Audit::Prove(args) => proof::prove(args)?,
        Audit::CheckProof(args) => proof::check(args)?,
        Audit::Client(command) => return super::client(strongroom_cli::ClientCommand::Audit(*command)),
    };
    console::print(&outcome.text)?;
    Ok(if outcome.is_good { strongroom_cli::EXIT_OK } else { strongroom_cli::EXIT_LOCAL })
}

/// Reads a whole text file; names it when that fails.
fn read(path: &PathBuf) -> anyhow::Result<String> {
    use anyhow::Context as _;
    std::fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
}
