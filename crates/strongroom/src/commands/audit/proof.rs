//! `audit prove` and `audit check-proof`: one record, for somebody who has neither the log nor the server.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use strongroom_audit::{ProofError, check_proof, prove as make};

use super::{Outcome, key, read};

#[derive(clap::Args)]
pub struct ProveArgs {
    /// The log's current file
    path: PathBuf,
    /// Number of the record: the `seq` of its line
    seq: u64,
    /// Where to write the proof; standard output if not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct CheckArgs {
    /// The proof
    file: PathBuf,
    /// The log's public key, as BASE64 or @FILE
    #[arg(long)]
    key: String,
}

pub fn prove(args: ProveArgs) -> anyhow::Result<Outcome> {
    let proof = make(&args.path, args.seq)?;
    let text = format!("{}\n", serde_json::to_string_pretty(&proof)?);
    let Some(file) = &args.output else { return Ok(Outcome::good(text)) };
    fs::write(file, text).with_context(|| format!("writing `{}`", file.display()))?;
    Ok(Outcome::good(format!("Record {} of {} is proven in `{}`\n", proof.seq, proof.size, file.display())))
}

pub fn check(args: CheckArgs) -> anyhow::Result<Outcome> {
    let key = key::parse(&args.key)?;
    match check_proof(&read(&args.file)?, &key) {
        Ok(proven) => Ok(Outcome::good(format!(
            "The proof holds: record {} of a log with {} records\n{}\n",
            proven.seq, proven.size, proven.line
        ))),
        Err(error @ (ProofError::Wrong(_) | ProofError::Unreadable)) => {
            Ok(Outcome { text: format!("{error}\n"), is_good: false })
        }
        Err(error) => Err(error.into()),
    }
}
