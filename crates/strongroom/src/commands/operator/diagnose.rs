//! `operator diagnose` and `operator validate-config`. Must never change what is there: a store is opened only where one is
//! already, and the serving addresses are let go again.

use std::path::PathBuf;

use super::checks::{self, Finding, State};
use crate::commands::console;
use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    /// Configuration file, or folder with .hcl and .json files; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    config: Vec<PathBuf>,
    /// Leave out this check: listener or storage, for a server that runs; may be given several times
    #[arg(long, value_name = "CHECK", value_parser = ["listener", "storage", "autounseal"])]
    skip: Vec<String>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

#[derive(clap::Args)]
pub struct ValidateArgs {
    /// Configuration file, or folder with .hcl and .json files; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    config: Vec<PathBuf>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub fn run(args: Args) -> anyhow::Result<u8> {
    let skips = |check: &str| args.skip.iter().any(|skipped| skipped == check);
    let (mut findings, config) = read(&args.config);
    if let Some(config) = &config {
        findings.push(checks::machine(config));
        findings.push(if skips("storage") { Finding::skipped("storage") } else { checks::storage(config) });
        findings.push(if skips("listener") { Finding::skipped("listener") } else { checks::listeners(config)? });
        findings.push(checks::audit(config));
    }
    show(&findings, &args.format)
}

pub fn validate(args: ValidateArgs) -> anyhow::Result<u8> {
    let (findings, _) = read(&args.config);
    show(&findings, &args.format)
}

/// The configuration, and what there is to say about it.
fn read(paths: &[PathBuf]) -> (Vec<Finding>, Option<Config>) {
    match Config::read(paths) {
        Err(mistake) => (vec![Finding::new("configuration", State::Failed, mistake.to_string())], None),
        Ok(config) => {
            let mut findings = vec![Finding::new("configuration", State::Good, "it can be read")];
            let warnings = config.warnings.iter();
            findings.extend(warnings.map(|warning| Finding::new("configuration", State::Warning, warning.clone())));
            if config.listeners.is_empty() {
                findings.push(Finding::new("configuration", State::Failed, "it has no listener stanza"));
            }
            (findings, Some(config))
        }
    }
}

/// Exit code: 0 all well, 1 something would fail, 2 there are warnings.
fn show(findings: &[Finding], format: &str) -> anyhow::Result<u8> {
    let worst = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Good);
    let text = if format == "json" {
        let list: Vec<_> = findings.iter().map(Finding::json).collect();
        serde_json::to_string_pretty(&serde_json::json!({ "checks": list, "result": worst.word() }))? + "\n"
    } else {
        findings.iter().map(Finding::line).collect()
    };
    console::print(&text)?;
    Ok(match worst {
        State::Good | State::Skipped => 0,
        State::Warning => 2,
        State::Failed => 1,
    })
}
