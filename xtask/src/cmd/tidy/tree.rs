//! The tracked files: which they are, and that none is too large or ties the repository to one machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Findings;
use super::scan::{code_only, without_tests};
use crate::{place, run};

/// Largest tracked file.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Folders of one machine and package servers; put together here so that this file does not hold them.
const TIES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("deb.deb", "ian.org"),
];

/// A Rust file, as text, as code without text, and as production code without its tests.
pub struct Source {
    /// Relative to the root, with forward slashes.
    pub path: String,
    pub code: String,
    pub production: String,
}

impl Source {
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(place::root().join(path)).with_context(|| path.display().to_string())?;
        let code = code_only(&text);
        let path = path.to_string_lossy().replace('\\', "/");
        let production = if is_test(&path) { String::new() } else { without_tests(&code) };
        Ok(Self { path, code, production })
    }
}

/// Files that hold only tests or serve only tests.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
        || path.ends_with("/testing.rs")
        || ["/tests/", "/testing/", "/conformance/", "crates/testkit/", "fuzz/"].iter().any(|part| path.contains(part))
}

/// All files that git tracks or would track, relative to the root.
pub fn tracked() -> Result<Vec<PathBuf>> {
    let listed = run::text(Command::new("git").current_dir(place::root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut files: Vec<PathBuf> = listed.split('\0').filter(|p| !p.is_empty()).map(PathBuf::from).collect();
    files.retain(|p| place::root().join(p).is_file());
    Ok(files)
}

pub fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "rs")
}

pub fn check(files: &[PathBuf]) -> Result<Findings> {
    let mut findings = Findings::new();
    for path in files {
        let shown = path.display();
        let bytes = fs::read(place::root().join(path)).with_context(|| shown.to_string())?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            findings.push(format!("{shown}: {} bytes; at most {FILE_BYTES_MAX} are tracked", bytes.len()));
        }
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (number, line) in text.lines().enumerate() {
            // `sys/rotate/root/` and a mount's `root/generate/` are endpoints of the API.
            let line = line.replace("rotate/root/", "").replace("/root/generate/", "");
            if let Some(tie) = TIES.iter().find(|tie| line.contains(**tie)) {
                findings.push(format!("{shown}:{}: `{tie}` ties the repository to one machine", number + 1));
            }
        }
    }
    Ok(findings)
}
