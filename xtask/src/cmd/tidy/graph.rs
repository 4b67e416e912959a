//! Which crate may know which, and what may not come in from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Findings;
use crate::{place, run};

/// Nowhere in the built graph. (Cargo.lock also lists optional crates that no feature of ours switches on.)
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "ring", "rsa", "sqlx", "serde_yaml"];
/// Not as a dependency of our own crates.
const BANNED_DIRECT: &[&str] = &["chrono", "lazy_static"];
/// One version each.
const SINGLE: &[&str] = &["rustls", "hyper", "http", "axum", "rusqlite"];
/// Crates that the server is built of, our own included.
const SERVER_CRATES_MAX: usize = 250;
const PREFIX: &str = "strongroom-";

pub fn metadata() -> Result<Value> {
    let text = run::text(Command::new("cargo").current_dir(place::root()).args([
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--locked",
    ]))?;
    Ok(serde_json::from_str(&text)?)
}

/// Our crates by their short name, with their folder.
pub fn crates(metadata: &Value) -> BTreeMap<String, String> {
    packages(metadata).filter_map(|p| Some((short(p["name"].as_str()?), folder(p["manifest_path"].as_str()?)))).collect()
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn short(name: &str) -> String {
    name.strip_prefix(PREFIX).unwrap_or(name).to_owned()
}

fn folder(manifest: &str) -> String {
    let root = place::root().display().to_string();
    manifest.trim_start_matches(&root).trim_matches('/').trim_end_matches("/Cargo.toml").to_owned()
}

/// `crate: what it may know`, `crate (tests): what its tests may know beyond that`.
fn allowed() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let path = place::own("tidy/edges.txt");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let (from, to) = line.split_once(':').with_context(|| format!("edges.txt: `{line}` has no colon"))?;
            Ok((from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect()))
        })
        .collect()
}

pub fn edges(metadata: &Value) -> Result<Findings> {
    let (allowed, ours, mut findings) = (allowed()?, crates(metadata), Findings::new());
    let full_names: BTreeSet<&str> = packages(metadata).filter_map(|p| p["name"].as_str()).collect();
    for package in packages(metadata) {
        let from = short(package["name"].as_str().unwrap_or_default());
        let Some(may) = allowed.get(&from) else {
            findings.push(format!("{from}: no line in xtask/tidy/edges.txt"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let name = dependency["name"].as_str().unwrap_or_default();
            let to = short(name);
            let in_tests = dependency["kind"] == "dev";
            let in_tests_allowed = in_tests && allowed.get(&format!("{from} (tests)")).is_some_and(|may| may.contains(&to));
            if full_names.contains(name) && !may.contains(&to) && !in_tests_allowed {
                findings.push(format!("{from} may not know {to}{}", if in_tests { " in its tests" } else { "" }));
            }
            if BANNED_DIRECT.contains(&name) {
                findings.push(format!("{from}: {to} is banned as a dependency of ours"));
            }
        }
    }
    let named: BTreeSet<_> = allowed.keys().map(|k| k.trim_end_matches(" (tests)")).collect();
    findings.extend(named.iter().filter(|n| !ours.contains_key(**n)).map(|n| format!("edges.txt: there is no crate `{n}`")));
    Ok(findings)
}

/// Names with the versions that are built.
fn tree(selection: &[&str]) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let text = run::text(
        Command::new("cargo")
            .current_dir(place::root())
            .args(["tree", "--locked", "--prefix", "none", "--format", "{p}"])
            .args(selection),
    )?;
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for line in text.lines() {
        if let [name, version, ..] = line.split_whitespace().collect::<Vec<_>>()[..] {
            found.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    Ok(found)
}

pub fn dependencies(metadata: &Value) -> Result<Findings> {
    let mut findings = Findings::new();
    let all = tree(&["--workspace", "-e", "normal,build,dev"])?;
    for (name, versions) in &all {
        if BANNED.contains(&name.as_str()) {
            findings.push(format!("{name} is banned; `cargo tree --workspace -i {name}` shows who brings it in"));
        }
        if SINGLE.contains(&name.as_str()) && versions.len() > 1 {
            findings.push(format!("{name} comes in {} versions: {versions:?}", versions.len()));
        }
    }
    if crates(metadata).contains_key("strongroom") {
        let server = tree(&["-p", "strongroom", "-e", "normal"])?.values().map(BTreeSet::len).sum::<usize>();
        if server >= SERVER_CRATES_MAX {
            findings.push(format!("the server is built of {server} crates; stay below {SERVER_CRATES_MAX}"));
        }
    }
    Ok(findings)
}
