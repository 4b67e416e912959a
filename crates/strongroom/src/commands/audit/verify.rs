//! `audit verify`: runs the verifier and shows what it found.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;
use strongroom_audit::{Checkpoint, Options, Problem, Report, verify};

use super::{Outcome, OutputFormat, key, read};

#[derive(clap::Args)]
pub struct Args {
    /// The log's current file; older segments and the tree are found beside it
    path: PathBuf,
    /// The log's public key, as BASE64 or @FILE. Without it the key beside the log is taken, which an intruder could have replaced
    #[arg(long)]
    key: Option<String>,
    /// A checkpoint that was kept elsewhere: the log must extend it. Of several in the file the last one counts
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Older segments were moved elsewhere: lines that are missing from the beginning are accepted, although the server did not delete them
    #[arg(long)]
    archived: bool,
    /// table or json
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub fn run(args: Args) -> anyhow::Result<Outcome> {
    let is_key_given = args.key.is_some();
    let key = args.key.as_deref().map_or_else(|| key::beside(&args.path), key::parse)?;
    let checkpoint = args.checkpoint.as_ref().map(|file| read(file).map(|text| last_note(&text))).transpose()?;
    let report = verify(&args.path, &key, &Options { checkpoint, archived: args.archived })?;
    let found = Found { report, key: key::shown(&key), is_key_given };
    let text = match args.format {
        OutputFormat::Table => found.table(),
        OutputFormat::Json => format!("{:#}\n", found.json()),
    };
    Ok(Outcome { text, is_good: found.report.is_intact() })
}

/// Checkpoints stand one after the other, as in the log's own `checkpoints` file.
fn last_note(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    let from = lines.len().saturating_sub(Checkpoint::LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

struct Found {
    report: Report,
    key: String,
    is_key_given: bool,
}

impl Found {
    fn table(&self) -> String {
        let report = &self.report;
        let mut text = String::new();
        let mut row = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{name:<15} {value}");
        };
        row("Verdict", if report.is_intact() { &"intact" } else { &"NOT INTACT" });
        row("Key", &self.key_shown());
        row("Records", &report.size);
        row("Checkpoints", &report.checkpoints);
        if let Some(last) = &report.last {
            row("Last checkpoint", &format!("{} records, {}", last.head.size, last.time.rfc3339()));
        }
        row("Epochs", &report.epochs);
        row("Uncheckpointed", &format!("{} (no signature covers them yet)", report.uncheckpointed));
        if report.pruned_below > 0 {
            row("Pruned", &format!("records below {}: only their hashes are left", report.pruned_below));
        }
        if report.torn_bytes > 0 {
            row("Torn", &format!("{} bytes of a last line", report.torn_bytes));
        }
        for restart in &report.restarts {
            let dropped =
                if restart.dropped_bytes > 0 { format!(", {} torn bytes dropped", restart.dropped_bytes) } else { String::new() };
            row("Restart", &format!("record {}, {}, epoch {}{dropped}", restart.seq, restart.time.rfc3339(), restart.epoch));
        }
        report.warnings.iter().for_each(|warning| row("Warning", warning));
        report.problems.iter().for_each(|problem| row("Problem", problem));
        text
    }

    fn key_shown(&self) -> String {
        if self.is_key_given {
            self.key.clone()
        } else {
            format!("{} (found beside the log; give -key to rule out an exchange)", self.key)
        }
    }

    fn json(&self) -> serde_json::Value {
        let report = &self.report;
        let problems = |list: &[Problem]| -> Vec<_> {
            list.iter().map(|problem| json!({ "file": problem.file, "line": problem.line, "what": problem.what })).collect()
        };
        let restarts: Vec<_> = report
            .restarts
            .iter()
            .map(|r| json!({ "seq": r.seq, "time": r.time.rfc3339(), "epoch": r.epoch, "dropped_bytes": r.dropped_bytes }))
            .collect();
        json!({
            "intact": report.is_intact(),
            "key": self.key,
            "key_given": self.is_key_given,
            "records": report.size,
            "root": hex::encode(report.root),
            "checkpoints": report.checkpoints,
            "last_checkpoint": report.last.as_ref().map(|last| json!({ "size": last.head.size, "time": last.time.rfc3339(), "kept": last.kept })),
            "epochs": report.epochs,
            "restarts": restarts,
            "pruned_below": report.pruned_below,
            "uncheckpointed": report.uncheckpointed,
            "torn_bytes": report.torn_bytes,
            "warnings": problems(&report.warnings),
            "problems": problems(&report.problems),
        })
    }
}
