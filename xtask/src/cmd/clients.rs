//! `cargo xtask clients`: programs that others wrote, against our running server: the reference's command line and
//! hvac. Our own command line runs through the same script, so the two cannot drift apart.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::args::Args;
use crate::server::{DEV_ROOT, Plan, Server};
use crate::{Tally, build, needs, place, run};

pub fn run(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "ci")?;
    args.finish()?;
    let dir = place::work_dir("clients")?;
    let server = Server::start_dev(&Plan::new(&bin, &dir.path().join("dev"))?)?;
    let mut tally = script("hvac_check.py", &[&server.addr, DEV_ROOT])?;
    let reference = needs::reference()?;
    let mut programs = vec![("reference", reference.as_path())];
    if bin != reference {
        programs.push(("ours", bin.as_path()));
    }
    for (name, cli) in programs {
        tally.add(command_line(name, cli, &bin, &dir.path().join(name))?);
    }
    Ok(tally)
}

/// One command line, against a dev server and a second one that it initialises, unseals and seals itself.
fn command_line(name: &str, cli: &Path, bin: &Path, dir: &Path) -> Result<Tally> {
    let server = Server::start_dev(&Plan::new(bin, &dir.join("dev"))?)?;
    let fresh = Server::start(&Plan::new(bin, &dir.join("fresh"))?)?;
    println!("command line of {name}");
    script("cli_check.py", &[&cli.display().to_string(), &server.addr, DEV_ROOT, &fresh.addr])
}

fn script(name: &str, words: &[&str]) -> Result<Tally> {
    let (_, lines) = run::marked(Command::new(needs::python()?).arg(place::own("clients").join(name)).args(words))?;
    run::closing_line(&lines).with_context(|| format!("{name} did not run to its end"))
}
