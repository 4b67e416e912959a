//! A crash must leave no core file: the server switches them off for itself, whatever the shell that started it allows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::Tally;
use crate::run;
use crate::server::{Server, files_below};

/// Ends the server with a signal that makes a core file, and looks for one.
pub fn crash(dir: &Path, server: &mut Server, signal: &str, tally: &mut Tally) -> Result<()> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid()))?;
    let limit = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap_or_default();
    let soft = limit.split_whitespace().nth(4).unwrap_or_default();
    tally.check(soft == "0", || format!("the server may write core files: {limit}"));
    let before: BTreeSet<PathBuf> = cores(dir)?;
    server.signal_until_end(signal)?;
    let new: Vec<_> = cores(dir)?.difference(&before).cloned().collect();
    tally.check(new.is_empty(), || format!("SIG{signal} left {new:?}"));
    if !this_machine_shows_cores(dir)? {
        println!("canary: this machine writes no core files beside a process; only the limit was checked");
    }
    Ok(())
}

fn cores(dir: &Path) -> Result<BTreeSet<PathBuf>> {
    let is_core = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("core"));
    Ok(files_below(dir)?.into_iter().filter(is_core).collect())
}

/// The control: another process that crashes in the same folder.
fn this_machine_shows_cores(dir: &Path) -> Result<bool> {
    let control = dir.join("control");
    fs::create_dir_all(&control)?;
    run::output(Command::new("sh").args(["-c", "ulimit -c unlimited; kill -s ABRT $$"]).current_dir(&control))?;
    let shown = !cores(&control)?.is_empty();
    fs::remove_dir_all(control)?;
    Ok(shown)
}
