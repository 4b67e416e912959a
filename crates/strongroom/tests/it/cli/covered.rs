//! Every command of the client has a line in a session that works, and one that fails.

use std::collections::BTreeMap;

use clap::CommandFactory as _;

use super::folder;
use super::session::{Cli, Line};

/// A server of one node has nobody to hand over to; a migration needs a second server (`cargo xtask migrate-check`).
const NEVER_WORKS: [&str; 2] = ["operator step-down", "migrate"];

fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    let below: Vec<_> =
        command.get_subcommands().filter(|one| one.get_name() != "help" || !one.has_subcommands() && path == "auth").collect();
    if below.is_empty() {
        found.push(path.to_owned());
    }
    for one in below {
        leaves(one, format!("{path} {}", one.get_name()).trim(), found);
    }
}

#[test]
fn every_command_has_a_line_that_works_and_one_that_fails() {
    let mut commands = Vec::new();
    leaves(&Cli::command(), "", &mut commands);
    assert!(commands.len() > 60, "{commands:?}");
    let mut seen: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for block in text.split("\n$ ").map(|block| block.trim_start_matches("$ ")) {
            let line = Line::parse(block.lines().next().unwrap_or_default());
            let words = line.words.join(" ");
            let command = commands.iter().filter(|one| words == **one || words.starts_with(&format!("{one} ")));
            if let Some(command) = command.max_by_key(|one| one.len()) {
                let (works, fails) = seen.entry(command.clone()).or_default();
                let has_failed = block.contains("\n--- exit code ");
                *(if has_failed { fails } else { works }) = true;
            }
        }
    }
    let missing = commands.iter().filter(|command| {
        let (works, fails) = seen.get(*command).copied().unwrap_or_default();
        !(works || NEVER_WORKS.contains(&command.as_str())) || !fails
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "no line that works, or none that fails: {missing:?}");
}
