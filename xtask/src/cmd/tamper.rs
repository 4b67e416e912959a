//! `cargo xtask tamper`: on the audit log and the store of a real run. Every edit of an audit file must make `audit
//! verify` fail; a flipped bit in a stored record must cost that one path and nothing else, and the log must name it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::args::Args;
use crate::server::{Keys, Plan, Server, files_below};
use crate::{Tally, build, place, run};

/// Secrets in the store; a part of them is damaged.
const SECRETS: usize = 400;

pub fn run(args: &Args) -> Result<Tally> {
    let (edits, flips) = (args.number("edits", 1_000_usize)?, args.number("flips", 100_usize)?);
    let seed = args.number("seed", rand::random::<u32>().into())?;
    let bin = build::chosen(args, "ci")?;
    args.finish()?;
    let (dir, mut rng) = (place::work_dir("tamper")?, StdRng::seed_from_u64(seed));
    let plan = Plan::new(&bin, dir.path())?;
    let keys = real_run(&plan)?;
    let mut tally = edit_audit(&plan, &mut rng, edits)?;
    let flipped = flip_store(&plan, &keys, &mut rng, flips)?;
    tally.add(flipped);
    println!("tamper: {edits} edits and {flips} flipped records, {} undetected or wrong; --seed {seed}", tally.failed);
    Ok(tally)
}

fn name(i: usize) -> String {
    format!("tampered-{i:05}")
}

/// A server's ordinary life: secrets written and read, tokens, refusals, a restart in between, an orderly stop.
fn real_run(plan: &Plan) -> Result<Keys> {
    let mut server = Server::start(plan)?;
    let keys = server.init()?;
    let api = server.api(&keys.root);
    api.must("POST", "sys/mounts/secret", Some(&json!({"type": "kv", "options": {"version": "2"}})))?;
    for i in 0..SECRETS {
        api.must("POST", &format!("secret/data/{}", name(i)), Some(&json!({"data": {"value": format!("v{i}")}})))?;
    }
    server.stop()?;
    drop(server);
    let mut server = Server::start(plan)?;
    server.unseal(&keys)?;
    let api = server.api(&keys.root);
    for i in 0..50 {
        api.must("GET", &format!("secret/data/{}", name(i)), None)?;
        api.must("POST", "auth/token/create", Some(&json!({"ttl": "1h", "policies": ["default"]})))?;
        api.with_token("s.nobody").call("GET", &format!("secret/data/{}", name(i)), None)?;
    }
    server.stop()?;
    Ok(keys)
}

fn verifies(plan: &Plan) -> Result<bool> {
    Ok(run::output(Command::new(&plan.bin).args(["audit", "verify"]).arg(plan.audit_file()))?.status.success())
}

/// Edits the record files (and now and then a file of the tree), one edit at a time, each undone after the look.
fn edit_audit(plan: &Plan, rng: &mut StdRng, edits: usize) -> Result<Tally> {
    ensure!(verifies(plan)?, "the untouched log does not verify: {}", plan.audit_file().display());
    let (lines, tree): (Vec<PathBuf>, Vec<PathBuf>) = files_below(&plan.audit_dir())?
        .into_iter()
        .filter(|p| !p.ends_with("reserve") && fs::metadata(p).is_ok_and(|m| m.len() > 0))
        .partition(|p| fs::read(p).is_ok_and(|b| b.starts_with(b"{")));
    let mut tally = Tally::default();
    while tally.passed + tally.failed < edits {
        let in_tree = !tree.is_empty() && rng.random_bool(0.1);
        let path = (if in_tree { &tree } else { &lines }).choose(rng).context("no audit file")?;
        let whole = fs::read(path)?;
        let (what, edited) = edit(&whole, in_tree, rng);
        if edited == whole {
            continue; // two equal lines swapped, a cut at the end
        }
        fs::write(path, &edited)?;
        let unseen = verifies(plan)?;
        fs::write(path, &whole)?;
        tally.check(!unseen, || format!("{what} in {} goes unnoticed", path.display()));
    }
    ensure!(verifies(plan)?, "the log does not verify after all edits were undone");
    Ok(tally)
}

/// One random edit and its description.
fn edit(whole: &[u8], binary: bool, rng: &mut StdRng) -> (String, Vec<u8>) {
    let at = rng.random_range(0..whole.len());
    if binary || rng.random_bool(0.3) {
        let (bit, mut edited) = (rng.random_range(0..8), whole.to_vec());
        edited[at] ^= 1 << bit;
        return (format!("bit {bit} of byte {at} flipped"), edited);
    }
    let mut lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let (i, j) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
    let what = match rng.random_range(0..5) {
        0 => {
            lines.remove(i);
            format!("line {i} deleted")
        }
        1 => {
            lines.insert(i, lines[j]);
            format!("line {j} duplicated before {i}")
        }
        2 => {
            lines.swap(i, j);
            format!("lines {i} and {j} swapped")
        }
        3 => {
            lines.insert(i, b"{\"type\":\"request\",\"request\":{\"path\":\"made/up\"}}\n");
            format!("a made-up line before {i}")
        }
        _ => return (format!("cut to {at} bytes"), whole[..at].to_vec()),
    };
    (what, lines.concat())
}

/// Damages stored records while the server is down, then looks at every secret.
fn flip_store(plan: &Plan, keys: &Keys, rng: &mut StdRng, flips: usize) -> Result<Tally> {
    let database = files_below(&plan.data())?.into_iter().find(|p| p.extension().is_some_and(|e| e == "db"));
    let database = database.context("no .db file in the data folder")?;
    let all: Vec<usize> = (0..SECRETS).collect();
    let chosen: BTreeSet<usize> = all.choose_multiple(rng, flips.min(SECRETS)).copied().collect();
    flip(&database, &chosen, rng.random())?;
    let log_before = fs::read_to_string(plan.log())?.len();
    let server = Server::start(plan)?;
    server.unseal(keys).context("damaged records must not keep the server from unsealing")?;
    let api = server.api(&keys.root);
    let mut tally = Tally::default();
    for i in 0..SECRETS {
        let (damaged, answer) = (chosen.contains(&i), api.call("GET", &format!("secret/data/{}", name(i)), None)?);
        let right = match damaged {
            true => answer.status == 500 && !answer.text().contains("value"),
            false => answer.ok() && answer.json()["data"]["data"]["value"] == json!(format!("v{i}")),
        };
        tally.check(right, || format!("{} (damaged: {damaged}) answers {} {}", name(i), answer.status, answer.text()));
    }
    let written = api.call("POST", "secret/data/after", Some(&json!({"data": {"a": 1}})))?;
    tally.check(written.ok(), || format!("a write beside damaged records answers {} {}", written.status, written.text()));
    let log = fs::read_to_string(plan.log())?;
    let unnamed = chosen.iter().filter(|i| !log[log_before..].contains(&name(**i))).count();
    tally.check(unnamed == 0, || format!("{unnamed} damaged records are not named in the server's log"));
    Ok(tally)
}

/// Python's own sqlite3 does the damage: no database library in xtask.
fn flip(database: &Path, chosen: &BTreeSet<usize>, seed: u32) -> Result<()> {
    let names: Vec<Value> = chosen.iter().map(|i| json!(name(*i))).collect();
    let script = place::own("rigs/flip_records.py");
    let printed =
        run::text(Command::new("python3").arg(script).arg(database).args([&seed.to_string(), &Value::from(names).to_string()]))?;
    ensure!(printed.trim() == chosen.len().to_string(), "flipped {} of {} records", printed.trim(), chosen.len());
    Ok(())
}
