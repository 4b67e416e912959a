//! Builds our server, at most once per profile and run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::args::Args;
use crate::{place, run};

/// The binary of a profile, freshly built.
pub fn server(profile: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run::must(Command::new(cargo).current_dir(place::root()).args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        "strongroom",
        "--bin",
        "strongroom",
        "--profile",
        profile,
    ]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(place::target().join(folder).join("strongroom"))
}

/// The binary named by `--bin`, or our own built in this profile.
pub fn chosen(args: &Args, profile: &str) -> Result<PathBuf> {
    match args.path("bin")? {
        Some(path) => Ok(path),
        None => server(profile),
    }
}
