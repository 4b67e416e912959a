//! `cargo xtask clients`: programs that others wrote, each against a server of ours that nobody has initialised, over TLS:
//! the reference's command line, hvac (Python), node-vault (JavaScript) and vaultrs (Rust). Our own command line runs through the same
//! script as the reference's, so the two cannot drift apart. Each script says in its head what its client can't do.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::certificate::Files;
use crate::server::{Plan, Server};
use crate::{Tally, build, needs, place, run};

/// Makes the command for one client; it is given the server's address and the authority's file behind what it has.
type Client = fn(bin: &Path) -> Result<Command>;

const CLIENTS: &[(&str, Client)] = &[
    ("reference", |_| command_line(&needs::reference()?)),
    ("ours", |bin| command_line(bin)),
    ("side-by-side", |bin| side_by_side(bin)),
    ("hvac", |_| script("hvac_check.py")),
    ("node-vault", |_| node_vault()),
    ("vaultrs", |_| vaultrs()),
];

pub fn run(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "ci")?;
    let only: Vec<_> = args.text("only").map(|t| t.split(',').map(str::to_owned).collect()).unwrap_or_default();
    args.finish()?;
    let chosen = |name: &str| only.is_empty() || only.iter().any(|o| o == name);
    if !CLIENTS.iter().any(|(name, _)| chosen(name)) {
        bail!("--only: no such client; there are {:?}", CLIENTS.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
    let dir = place::work_dir("clients")?;
    let mut tally = Tally::default();
    for (name, client) in CLIENTS.iter().filter(|(name, _)| chosen(name)) {
        println!("client {name}");
        tally.add(check(client(&bin)?, &bin, &dir.path().join(name)).with_context(|| format!("client {name}"))?);
    }
    Ok(tally)
}

/// One client from the first start of a server to its last seal. The server must still be there, and stop as it is told.
fn check(mut client: Command, bin: &Path, dir: &Path) -> Result<Tally> {
    let mut plan = Plan::new(bin, dir)?;
    (plan.tls, plan.open_rekey) = (true, true);
    let mut server = Server::start(&plan)?;
    let (_, lines) = run::marked(client.arg(&server.addr).arg(Files::below(dir).authority))?;
    let mut tally = run::closing_line(&lines).context("it did not run to its end")?;
    tally.check(server.stop().is_ok(), || "the server did not stop in order".to_owned());
    Ok(tally)
}

fn script(name: &str) -> Result<Command> {
    let mut command = Command::new(needs::python()?);
    command.arg("-B").arg(place::own("clients").join(name));
    Ok(command)
}

fn command_line(cli: &Path) -> Result<Command> {
    let mut command = script("cli_check.py")?;
    command.arg(cli);
    Ok(command)
}

/// Both command lines with the same commands: what they print and answer must be alike.
fn side_by_side(bin: &Path) -> Result<Command> {
    let mut command = script("cli_same.py")?;
    command.arg(needs::reference()?).arg(bin);
    Ok(command)
}

fn node_vault() -> Result<Command> {
    let modules = needs::node_modules()?;
    let mut command = Command::new("node");
    command.arg(place::own("clients/node/check.js")).env("NODE_PATH", modules);
    Ok(command)
}

/// A crate of its own, outside the workspace: what it depends on is nothing that the server is built of.
fn vaultrs() -> Result<Command> {
    let target = place::target().join("clients/vaultrs");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The workspace's lints do not reach it, so it is linted where it is built.
    for (command, more) in [("clippy", &["--all-targets", "--", "-D", "warnings"][..]), ("build", &[])] {
        run::must(
            Command::new(&cargo)
                .args([command, "--quiet", "--locked", "--manifest-path"])
                .arg(place::own("clients/vaultrs/Cargo.toml"))
                .args(more)
                .env("CARGO_TARGET_DIR", &target),
        )?;
    }
    Ok(Command::new(target.join("debug/strongroom-vaultrs-checks")))
}
