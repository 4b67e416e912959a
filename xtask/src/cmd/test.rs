//! `cargo xtask test`: everything that must hold before a change lands, tidy and lints aside. Installs what is missing,
//! runs the tests of all crates, builds the server once and runs every rig against it; one line per part, and one plain
//! closing line.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{canary, clients, conformance, crash, migrate_check, package, scale, schemathesis, tamper, transcripts};
use crate::args::Args;
use crate::{Tally, build, needs, place, run};

/// Kill cycles in CI; the long run is done by hand.
const CRASH_CYCLES: &str = "20";

/// For each of two callers.
const SCHEMATHESIS_SECONDS: &str = "30";

type Part = (&'static str, fn(&str) -> Result<Tally>);

const PARTS: &[Part] = &[
    ("unit and integration tests", |_| nextest()),
    ("examples in documentation", |_| doctests()),
    ("conformance", |bin| conformance::run(&Args::of(&[("bin", bin)]))),
    ("clients", |bin| clients::run(&Args::of(&[("bin", bin)]))),
    ("crash", |bin| crash::run(&Args::of(&[("bin", bin), ("cycles", CRASH_CYCLES)]))),
    ("canary", |bin| canary::run(&Args::of(&[("bin", bin)]))),
    ("tamper", |bin| tamper::run(&Args::of(&[("bin", bin)]))),
    ("migrate", |bin| migrate_check::run(&Args::of(&[("bin", bin), ("secrets", "600")]))),
    ("package", |bin| package::check(&Args::of(&[("bin", bin)]))),
    ("scale", |_| scale::run(&Args::of(&[("secrets", "1000"), ("leases", "2000")]))),
    ("schemathesis", |bin| schemathesis::run(&Args::of(&[("bin", bin), ("seconds", SCHEMATHESIS_SECONDS)]))),
    ("transcripts", |bin| transcripts::run(&Args::of(&[("bin", bin)]))),
];

pub fn run(args: &Args) -> Result<Tally> {
    let only: Vec<_> = args.text("only").map(|t| t.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let given = args.path("bin")?;
    args.finish()?;
    let chosen = |name: &str| only.is_empty() || only.iter().any(|o| name.starts_with(o.as_str()));
    if !PARTS.iter().any(|(name, _)| chosen(name)) {
        bail!("--only: no such part; there are {:?}", PARTS.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
    needs::nextest()?;
    needs::programs(&[("gpg", "gnupg")])?;
    needs::python()?;
    let mut bin = given.map(|p| p.display().to_string());
    let (mut total, mut lines) = (Tally::default(), Vec::new());
    for (name, part) in PARTS.iter().filter(|(name, _)| chosen(name)) {
        println!("== {name}");
        let begin = Instant::now();
        let tally = match run_part(*part, &mut bin, name) {
            Ok(tally) => tally,
            Err(e) => {
                println!("FAIL {name}: {e:#}");
                Tally::one(false)
            }
        };
        total.add(tally);
        lines.push(format!("{name:<28} {:>5} ok {:>4} bad {:>6.1} s", tally.passed, tally.failed, begin.elapsed().as_secs_f32()));
    }
    println!("==\n{}\n{} passed, {} failed", lines.join("\n"), total.passed, total.failed);
    Ok(total)
}

/// The unit tests come first and need no server; the others share one build of it.
fn run_part(part: fn(&str) -> Result<Tally>, bin: &mut Option<String>, name: &str) -> Result<Tally> {
    if name.starts_with("unit") {
        return part("");
    }
    let path = match bin.take() {
        Some(path) => path,
        None => build::server("ci")?.display().to_string(),
    };
    let tally = part(&path);
    *bin = Some(path);
    tally
}

/// Those of the client library, the one crate that others build upon.
fn doctests() -> Result<Tally> {
    let mut cargo = Command::new("cargo");
    let (status, _) =
        run::marked(cargo.current_dir(place::root()).args(["test", "--doc", "--locked", "-p", "strongroom-client"]))?;
    Ok(Tally::one(status.success()))
}

fn nextest() -> Result<Tally> {
    let (status, lines) = run::marked(Command::new("cargo").current_dir(place::root()).args([
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--no-fail-fast",
        "--status-level",
        "fail",
        "--color",
        "never",
    ]))?;
    let tally = run::closing_line(&lines).context("cargo nextest did not run")?;
    Ok(Tally { failed: tally.failed.max(usize::from(!status.success())), ..tally })
}
