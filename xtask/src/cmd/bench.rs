//! `cargo xtask bench`: the same load on our server and on the reference, alternating, both with a durable store on
//! the same disk, TLS and a file audit log. Prints the table; writes nothing into the repository.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::args::Args;
use crate::server::{Keys, Plan, Server};
use crate::{Tally, build, needs, place, run};

/// The scenarios that the goals name.
const SCENARIOS: &str = "kv2_read_10k,kv2_read_1key,kv2_read_policy50,kv2_write_unique,kv2_write_same,\
    kv2_write_random10k,kv2_write_newrandom,token_lookup_self,token_create_service,token_create_batch,approle_login,\
    approle_login_batch,wrap_unwrap";

pub fn run(args: &Args) -> Result<Tally> {
    needs::programs(&[("wrk", "wrk"), ("python3", "python3")])?;
    match args.words() {
        [] => load(args),
        [word] if word == "footprint" => footprint(args),
        other => anyhow::bail!("bench knows `footprint`, not {other:?}"),
    }
}

fn load(args: &Args) -> Result<Tally> {
    let mut vbench = Command::new("python3");
    vbench.arg(place::shared("bench/vbench.py")?);
    let common = [
        ("--scenarios", args.text("scenarios").unwrap_or(SCENARIOS).to_owned()),
        ("--seconds", args.number("seconds", 8.0)?.to_string()),
        ("--rounds", args.number("rounds", 3_u32)?.to_string()),
    ];
    let (alone, json) = (args.has("ours-only"), args.path("json")?);
    let (ours_bin, dir) = (build::chosen(args, "release")?, place::work_dir("bench")?);
    args.finish()?;
    let (ours, keys) = start(&ours_bin, &dir.path().join("ours"))?;
    let reference = if alone { None } else { Some(start(&needs::reference()?, &dir.path().join("reference"))?) };
    match &reference {
        None => {
            vbench.args(["run", "--addr", &ours.addr, "--token", &keys.root, "--pid", &ours.pid().to_string()]);
        }
        Some((other, other_keys)) => {
            println!("A: the reference (raft, TLS, file audit)   B: Strongroom (embedded store, TLS, file audit)");
            vbench
                .args(["compare", "--compare", &other.addr, &ours.addr])
                .args(["--token", &other_keys.root, "--pid", &other.pid().to_string()])
                .args(["--token-b", &keys.root, "--pid-b", &ours.pid().to_string()]);
        }
    }
    for (name, value) in common {
        vbench.args([name, &value]);
    }
    vbench.arg("--keep"); // both servers are thrown away
    if let Some(json) = json {
        vbench.arg("--json").arg(json);
    }
    run::must(&mut vbench)?;
    Ok(Tally::one(true))
}

fn start(bin: &Path, dir: &Path) -> Result<(Server, Keys)> {
    let mut plan = Plan::new(bin, dir)?;
    plan.tls = true;
    plan.log_level = "warn";
    let server = Server::start(&plan)?;
    let keys = server.init()?;
    Ok((server, keys))
}

/// Start time, idle memory, memory and disk with many secrets.
fn footprint(args: &Args) -> Result<Tally> {
    let secrets = args.number("secrets", 100_000_u32)?.to_string();
    let (bin, dir) = (build::chosen(args, "release")?, place::work_dir("footprint")?);
    args.finish()?;
    let mut plan = Plan::new(&bin, dir.path())?;
    plan.tls = true;
    plan.log_level = "warn";
    let start_cmd = format!("{} server -config={}", bin.display(), plan.write_config()?.display());
    let (addr, state) = (plan.addr(), dir.path().join("state.json"));
    let vbench = |command: &str| -> Result<Command> {
        let mut vbench = Command::new("python3");
        vbench.arg(place::shared("bench/vbench.py")?).args([command, "--addr", &addr, "--start-cmd", &start_cmd, "--state"]);
        vbench.arg(&state).arg("--server-log").arg(plan.log());
        Ok(vbench)
    };
    run::must(&mut vbench("start")?)?;
    run::must(vbench("scale")?.args(["--secrets", &secrets, "--leases", "", "--data-dir"]).arg(plan.data()))?;
    Ok(Tally::one(true))
}
