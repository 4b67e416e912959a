//! The house's own commands (`cargo xtask ...`): a usable server, the tests, the rigs. Never part of the product: it
//! drives the built binary from outside, by its command line and its HTTP API, and knows none of our crates.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a developer's tool: it prints, waits and reads the environment, and a panic that stops it is the right answer"
)]

mod api;
mod args;
mod build;
mod certificate;
mod cmd;
mod needs;
mod place;
mod run;
mod server;
mod tally;

use std::process::ExitCode;

use anyhow::Result;

use args::Args;
use tally::Tally;

const USAGE: &str = "\
usage: cargo xtask <command> [flags]

  dev                       build and start a usable server; prints how to use it; Ctrl-C stops it
  test [--only PART,..]     everything CI runs after tidy; ends with `N passed, N failed`
  tidy [--bless]            sizes, crate edges, names, forbidden dependencies, documents, catalogue of defects
  conformance [AREA..]      the recorded answers of the reference   [--bin PATH] [--addr URL --token T] [--bless] [--verbose]
  bench                     our server against the reference        [--seconds N] [--rounds N] [--scenarios A,B] [--ours-only] [--json FILE]
  bench footprint           start time, idle memory, size on disk   [--secrets N]
  scale                     a million leases: start, memory, revoke, expiry   [--secrets N] [--leases N] [--prefix N]
  crash [--cycles N]        kill -9 under load, then nothing acknowledged may be missing   [--seed S]
  canary                    no secret may reach logs, audit, errors, core files or the store in clear
  logins                    by hand, on a quiet machine: failed logins of known and unknown names take the same time   [--samples N] [--seed S]
  migrate-check             `strongroom migrate` from the reference, killed and resumed, loses nothing   [--secrets N]
  package                   the Debian package   [--bin PATH] [--out DIR]
  package-check             makes, installs, starts, removes and purges it; figures of dashboard and alerts exist
  tamper                    edits of audit files and stored records must be noticed   [--edits N] [--flips N] [--seed S]
  clients                   the reference's command line, our own, hvac, node-vault and vaultrs against our server [--only NAME,..]
  schemathesis              generated requests against our OpenAPI document [--seconds N] [--seed S]
  transcripts [FILE..]      runs the shell blocks of README.md and docs/

  --bin PATH runs a rig against another server binary (a name that holds `bao` is taken for the reference).
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(tally) if tally.failed == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<Tally> {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_default();
    let args = Args::parse(words)?;
    match name.as_str() {
        "dev" => cmd::dev::run(&args),
        "test" => cmd::test::run(&args),
        "tidy" => cmd::tidy::run(&args),
        "conformance" => cmd::conformance::run(&args),
        "bench" => cmd::bench::run(&args),
        "migrate-check" => cmd::migrate_check::run(&args),
        "package" => cmd::package::run(&args),
        "package-check" => cmd::package::check(&args),
        "scale" => cmd::scale::run(&args),
        "crash" => cmd::crash::run(&args),
        "canary" => cmd::canary::run(&args),
        "logins" => cmd::logins::run(&args),
        "tamper" => cmd::tamper::run(&args),
        "clients" => cmd::clients::run(&args),
        "schemathesis" => cmd::schemathesis::run(&args),
        "transcripts" => cmd::transcripts::run(&args),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(Tally::default())
        }
        other => anyhow::bail!("unknown command `{other}`\n\n{USAGE}"),
    }
}
