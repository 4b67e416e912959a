//! `strongroom completion SHELL`, and the man pages that packages ship. Both are made from the same description as the help.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, console};

#[derive(clap::Args)]
pub struct Args {
    /// bash, zsh, fish, elvish or powershell
    shell: Shell,
}

/// Prints a script; what it completes is the program by the name it was called by.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let called = std::env::args_os().next().map(PathBuf::from);
    let name = called.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("strongroom");
    clap_complete::generate(args.shell, &mut Cli::command(), name, &mut script);
    console::print(&String::from_utf8(script)?)
}

#[derive(clap::Args)]
pub struct ManArgs {
    /// Folder for the pages, one for each command
    folder: PathBuf,
}

pub fn man(args: &ManArgs) -> anyhow::Result<()> {
    std::fs::create_dir_all(&args.folder).with_context(|| args.folder.display().to_string())?;
    let command = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, &args.folder).with_context(|| args.folder.display().to_string())
}
