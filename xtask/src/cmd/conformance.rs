//! `cargo xtask conformance`: the recorded answers of the reference against our server. What is left for later stands
//! in `conformance/later.txt`, which only shrinks: a listed case that passes must be taken out, an unlisted one that
//! fails is an error. The areas that are done may have no entry.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::args::Args;
use crate::server::{DEV_ROOT, Plan, Server};
use crate::{Tally, build, needs, place, run};

/// Areas in which nothing may be left for later.
const DONE: &[&str] = &["kv2", "cubbyhole", "http"];
const HEAD: &str = "\
# Cases that our server does not pass yet, one `area:case` a line. This list only shrinks: `cargo xtask conformance`
# fails when a case here passes (take it out, or run with --bless) and when one that is not here fails.
";

/// What a case did.
struct Outcome {
    passed: bool,
    notes: Vec<String>,
}

pub fn run(args: &Args) -> Result<Tally> {
    let (bless, verbose) = (args.has("bless"), args.has("verbose"));
    let outside = args.text("addr").map(|a| (a.to_owned(), args.text("token").unwrap_or(DEV_ROOT).to_owned()));
    let dir = place::work_dir("conformance")?;
    let (report, skipped) = match outside {
        Some((addr, token)) => {
            args.finish()?;
            check(&addr, &token, None, args.words(), dir.path(), None)?
        }
        None => {
            let plan = Plan::new(&build::chosen(args, "ci")?, dir.path())?;
            args.finish()?;
            let server = start(&plan)?;
            // The door that serves key operations without a token, as the recorded answers have it.
            let (unseal_key, audit) = (Some(server.unseal_key()?), plan.audit_dir().join("conformance.log"));
            check(&plan.open_addr(), DEV_ROOT, unseal_key, args.words(), dir.path(), Some(&audit))?
        }
    };
    if bless {
        return bless_list(&report, args.words().is_empty());
    }
    Ok(judge(&report, &read_list()?, skipped, verbose))
}

/// A dev server whose API may enable audit devices.
fn start(plan: &Plan) -> Result<Server> {
    let config = plan.dir.join("conformance.hcl");
    let text = format!("unsafe_allow_api_audit_creation = true\naudit_api_folder = {:?}\n", plan.audit_dir());
    fs::write(&config, text)?;
    Server::start_dev_with(plan, vec![format!("-config={}", config.display())])
}

fn list_path() -> PathBuf {
    place::root().join("conformance/later.txt")
}

fn read_list() -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(list_path()).unwrap_or_default();
    let list: BTreeSet<_> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
    if let Some(bad) = list.iter().find(|case| DONE.contains(&area(case))) {
        bail!("{}: `{bad}`: nothing of this area may be left for later", list_path().display());
    }
    Ok(list)
}

fn area(case: &str) -> &str {
    case.split(':').next().unwrap_or_default()
}

type Report = (BTreeMap<String, Outcome>, usize);

/// Runs the corpus; returns what each case did and how many were skipped for lack of a resource. `audit` is the file that
/// devices may write; without it the environment may name one.
fn check(
    addr: &str,
    token: &str,
    unseal_key: Option<String>,
    areas: &[String],
    dir: &Path,
    audit: Option<&Path>,
) -> Result<Report> {
    let json = dir.join("report.json");
    let output = run::output(
        Command::new(needs::python()?)
            .envs(unseal_key.map(|key| ("CONFORMANCE_UNSEAL_KEY", key)))
            .arg(place::shared("conformance/conformance.py")?)
            .args(["check", "--addr", addr, "--token", token, "--json"])
            .arg(&json)
            .args(areas)
            .envs(audit.map(|path| ("CONFORMANCE_AUDIT", path))),
    )?;
    let text = fs::read_to_string(&json)
        .with_context(|| format!("the corpus did not run to its end:\n{}", String::from_utf8_lossy(&output.stderr)))?;
    let (mut report, mut skipped) = (BTreeMap::new(), 0);
    for (case, result) in serde_json::from_str::<BTreeMap<String, Value>>(&text)? {
        if result.get("skipped").is_some() {
            skipped += 1;
            continue;
        }
        let notes = result["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        report.insert(case, Outcome { passed: result["pass"] == Value::Bool(true), notes });
    }
    Ok((report, skipped))
}

fn judge(report: &BTreeMap<String, Outcome>, later: &BTreeSet<String>, skipped: usize, verbose: bool) -> Tally {
    let (mut tally, mut waiting) = (Tally::default(), 0);
    for (case, outcome) in report {
        match (outcome.passed, later.contains(case)) {
            (true, false) => tally.add(Tally::one(true)),
            (false, true) => waiting += 1,
            (true, true) => tally.check(false, || format!("{case} passes: remove it from conformance/later.txt")),
            (false, false) => {
                tally.check(false, || format!("{case}  {}", outcome.notes.first().map_or("", String::as_str)));
                if verbose {
                    outcome.notes.iter().skip(1).for_each(|note| println!("     {note}"));
                }
            }
        }
    }
    println!(
        "conformance: {} pass, {} fail, {waiting} left for later, {skipped} skipped for lack of a resource",
        tally.passed, tally.failed
    );
    tally
}

/// Takes out what passes now. A list that is not there yet is made of all that fails, for the areas that may have any.
fn bless_list(report: &BTreeMap<String, Outcome>, whole: bool) -> Result<Tally> {
    let first = !list_path().exists();
    if first && !whole {
        bail!("the first list is made by a run over all areas");
    }
    let failing = |case: &str| report.get(case).is_some_and(|o| !o.passed);
    let kept: BTreeSet<_> = if first {
        report.keys().filter(|c| failing(c) && !DONE.contains(&area(c))).cloned().collect()
    } else {
        read_list()?.into_iter().filter(|c| failing(c) || (!whole && !report.contains_key(c))).collect()
    };
    let lines: String = kept.iter().map(|case| format!("{case}\n")).collect();
    fs::write(list_path(), format!("{HEAD}{lines}"))?;
    println!("conformance/later.txt: {} cases", kept.len());
    Ok(judge(report, &kept, 0, false))
}
