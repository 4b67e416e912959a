//! `cargo xtask scale`: what a hundred thousand secrets and a million leases cost: start, memory, a long list, a large prefix
//! revoked, and all of them expiring at once while reads go on. The server runs inside `testkit`'s example `scale`, because its
//! leases come from the test engine; this prints the figures beside their goals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::args::Args;
use crate::{Tally, place, run};

pub fn run(args: &Args) -> Result<Tally> {
    let (secrets, leases) = (args.number("secrets", 100_000_usize)?, args.number("leases", 1_000_000_usize)?);
    let prefix = args.number("prefix", leases / 20)?.min(leases);
    args.finish()?;
    let (rig, dir) = (rig()?, place::work_dir("scale")?);
    let step = |words: &[&str]| figures(&rig, words, dir.path());
    step(&["secrets", &secrets.to_string()])?;
    let before = step(&["start"])?;
    let filled = step(&["leases", &leases.to_string(), &prefix.to_string()])?;
    let end = step(&["end", &secrets.to_string()])?;
    let of =
        |figures: &BTreeMap<String, f64>, name: &str| figures.get(name).copied().with_context(|| format!("no figure {name}"));
    let (count, rest) = (leases as f64, leases.saturating_sub(prefix) as f64);
    let rows = [
        ("leases in the store", of(&end, "leases")?, "", count, true),
        ("leases issued per second", of(&filled, "issued_per_s")?, "/s", f64::MAX, false),
        ("start to serving and writing", of(&end, "start_ms")?, "ms", 1000.0, false),
        ("memory per lease after start", (of(&end, "memory_kb")? - of(&before, "memory_kb")?).max(0.0) / count, "kB", 0.6, false),
        ("names listed", of(&end, "listed")?, "", secrets as f64, true),
        ("list of them", of(&end, "list_ms")?, "ms", 150.0, false),
        ("leases revoked by prefix", of(&end, "revoked")?, "", prefix as f64, true),
        ("revoke-prefix", of(&end, "revoke_prefix_s")?, "s", prefix as f64 / 25_000.0, false),
        ("leases left after expiry", of(&end, "left")?, "", 0.0, true),
        ("expiry of all the rest", of(&end, "expire_s")?, "s", rest / 16_667.0 + 3.0, false),
        ("read p99 in quiet", of(&end, "read_p99_quiet_ms")?, "ms", f64::MAX, false),
        ("read p99 meanwhile", of(&end, "read_p99_ms")?, "ms", 10.0, false),
    ];
    let mut tally = Tally::default();
    for (name, figure, unit, goal, exact) in rows {
        let is_met = if exact { (figure - goal).abs() < 0.5 } else { figure <= goal };
        let shown = if goal == f64::MAX { "-".to_owned() } else { format!("{}{goal:.1}", if exact { "= " } else { "<= " }) };
        println!("{name:<32} {figure:>12.2} {unit:<3} goal {shown}");
        if exact {
            tally.check(is_met, || format!("{name}: {figure:.2} {unit}, goal {shown}"));
        } else if !is_met {
            println!("    missed: times are told and never fail a run"); // a busy machine proves nothing
        }
    }
    Ok(tally)
}

fn rig() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run::must(Command::new(cargo).current_dir(place::root()).args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "strongroom-testkit",
        "--example",
        "scale",
        "--profile",
        "ci",
    ]))?;
    Ok(place::target().join("ci/examples/scale"))
}

/// Runs one step of the rig in the folder. Each line that it prints is a figure.
fn figures(rig: &Path, words: &[&str], dir: &Path) -> Result<BTreeMap<String, f64>> {
    let (step, numbers) = words.split_first().context("no step")?;
    let text = run::text(Command::new(rig).arg(step).arg(dir).args(numbers))?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once(' ').and_then(|(name, n)| Some((name.to_owned(), n.parse().ok()?))))
        .collect())
}
