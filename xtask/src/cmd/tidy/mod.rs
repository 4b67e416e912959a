//! `cargo xtask tidy`: the habits of the house that a compiler does not check. Each finding names a place and the rule;
//! the command fails when there is one. It reads the tracked tree and `cargo metadata`, and changes nothing; `--bless` writes
//! the page that is made of other files.

mod catalogue;
mod documents;
mod graph;
mod names;
mod scan;
mod sizes;
mod tree;

use anyhow::Result;

use self::tree::Source;
use crate::Tally;
use crate::args::Args;

/// What is wrong, one line each.
type Findings = Vec<String>;

pub fn run(args: &Args) -> Result<Tally> {
    let bless = args.has("bless");
    args.finish()?;
    let files = tree::tracked()?;
    let sources = files.iter().filter(|p| tree::is_rust(p)).map(|p| Source::read(p)).collect::<Result<Vec<_>>>()?;
    let metadata = graph::metadata()?;
    let checks: Vec<(&str, Findings)> = vec![
        ("file sizes", sizes::files(&sources)?),
        ("function sizes", sizes::functions(&sources)),
        ("names", names::check(&files)),
        ("forbidden code", names::forbidden_code(&sources)),
        ("crate edges", graph::edges(&metadata)?),
        ("dependencies", graph::dependencies(&metadata)?),
        ("catalogue of defects", catalogue::check(&sources, bless)?),
        ("documents", documents::check(&metadata)?),
        ("tracked files", tree::check(&files)?),
    ];
    let mut tally = Tally::default();
    for (name, findings) in checks {
        println!("tidy {name}: {}", if findings.is_empty() { "fine".to_owned() } else { format!("{} findings", findings.len()) });
        findings.iter().for_each(|finding| println!("  {finding}"));
        tally.add(Tally { passed: usize::from(findings.is_empty()), failed: findings.len() });
    }
    Ok(tally)
}
