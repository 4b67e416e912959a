//! `cargo xtask migrate-check`: a reference server with everything that can be copied, and much that can't, is copied to a
//! server of ours by `strongroom migrate`. It is killed in the middle, and again, and then runs to its end; afterwards each
//! secret is compared version by version, and the report must name what stayed behind.

mod compare;
mod fill;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::api::Api;
use crate::args::Args;
use crate::server::{DEV_ROOT, Plan, Server};
use crate::{Tally, build, needs, place, run};

const SECRETS: usize = 10_000;
const KILLS: usize = 2;

/// Both servers and the command between them.
struct Rig<'a> {
    bin: &'a Path,
    dir: &'a Path,
    source: Api,
    source_addr: String,
    target: Api,
    target_addr: String,
    target_root: String,
}

pub fn run(args: &Args) -> Result<Tally> {
    let secrets = args.number("secrets", SECRETS)?;
    let bin = build::chosen(args, "ci")?;
    args.finish()?;
    let dir = place::work_dir("migrate")?;
    let source_plan = Plan::new(&needs::reference()?, &dir.path().join("source"))?;
    let source = Server::start_dev(&source_plan)?;
    let target = Server::start(&Plan::new(&bin, &dir.path().join("target"))?)?;
    let keys = target.init()?;
    let rig = Rig {
        bin: &bin,
        dir: dir.path(),
        source: source.api(DEV_ROOT),
        source_addr: source.addr.clone(),
        target: target.api(&keys.root),
        target_addr: target.addr.clone(),
        target_root: keys.root,
    };
    let begun = Instant::now();
    fill::all(&rig.source, secrets)?;
    println!("migrate-check: {secrets} secrets made at the reference in {:.0} s", begun.elapsed().as_secs_f32());
    let mut tally = Tally::default();
    dry_run_writes_nothing(&rig, &mut tally)?;
    let begun = Instant::now();
    let kills = killed_in_the_middle(&rig, secrets)?;
    let report = to_the_end(&rig)?;
    println!("migrate-check: copied in {:.0} s, {kills} kills included", begun.elapsed().as_secs_f32());
    tally.check(kills == KILLS, || format!("killed {kills} times in the middle, not {KILLS}"));
    compare::all(&rig.source, &rig.target, &report, secrets, &mut tally)?;
    no_secret_was_left_about(&rig, &mut tally)?;
    let again = to_the_end(&rig)?;
    tally.check(again["counts"] == report["counts"], || {
        format!("a second run counts otherwise: {} {}", again["counts"], report["counts"])
    });
    compare::all(&rig.source, &rig.target, &again, secrets, &mut tally)?;
    println!("migrate-check: {} ok, {} bad", tally.passed, tally.failed);
    Ok(tally)
}

impl Rig<'_> {
    fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(self.bin);
        command
            .args(["migrate", "-format=json", "-parallel=8"])
            .args(more)
            .current_dir(self.dir)
            .env("STRONGROOM_SOURCE_ADDR", &self.source_addr)
            .env("STRONGROOM_SOURCE_TOKEN", DEV_ROOT)
            .env("STRONGROOM_ADDR", &self.target_addr)
            .env("STRONGROOM_TOKEN", &self.target_root)
            .stdin(Stdio::null());
        command
    }

    /// Secrets at the target so far.
    fn arrived(&self) -> usize {
        let folders = self.target.call("LIST", "secret/metadata/many", None).map(|a| a.json()).unwrap_or_default();
        let folders = folders["data"]["keys"].as_array().cloned().unwrap_or_default();
        let names = folders.iter().filter_map(Value::as_str);
        let below = names
            .map(|f| self.target.call("LIST", &format!("secret/metadata/many/{f}"), None).map(|a| a.json()).unwrap_or_default());
        below.map(|list| list["data"]["keys"].as_array().map_or(0, Vec::len)).sum()
    }
}

fn dry_run_writes_nothing(rig: &Rig<'_>, tally: &mut Tally) -> Result<()> {
    let printed = run::output(&mut rig.command(&["-dry-run"]))?;
    tally.check(printed.status.success(), || format!("the dry run failed: {}", String::from_utf8_lossy(&printed.stderr)));
    let report: Value = serde_json::from_slice(&printed.stdout)?;
    tally.check(report["counts"]["kv secrets"]["found"].as_u64().is_some_and(|n| n > 0), || "the dry run found no secret".into());
    let mounts = rig.target.must("GET", "sys/mounts", None)?;
    tally.check(mounts["data"].get("secret/").is_none(), || "the dry run made a mount".into());
    Ok(())
}

/// At a third and at two thirds of the way. Answers how often that came true.
fn killed_in_the_middle(rig: &Rig<'_>, secrets: usize) -> Result<usize> {
    let mut kills = 0;
    for part in 1..=KILLS {
        let mut running = rig.command(&[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        if waited(&mut running, || rig.arrived() >= secrets * part / (KILLS + 1))? {
            running.kill()?;
            running.wait()?;
            kills += 1;
        }
    }
    Ok(kills)
}

/// False: it came to its end before.
fn waited(running: &mut Child, mut until: impl FnMut() -> bool) -> Result<bool> {
    loop {
        if running.try_wait()?.is_some() {
            return Ok(false);
        }
        if until() {
            return Ok(running.try_wait()?.is_none());
        }
        sleep(Duration::from_millis(20));
    }
}

fn to_the_end(rig: &Rig<'_>) -> Result<Value> {
    let printed = run::output(&mut rig.command(&["-report=report.json"]))?;
    let said = || format!("{}{}", String::from_utf8_lossy(&printed.stdout), String::from_utf8_lossy(&printed.stderr));
    ensure!(printed.status.success(), "migrate failed: {}", said());
    let report = std::fs::read(rig.dir.join("report.json"))?;
    serde_json::from_slice(&report).with_context(said)
}

/// State and report hold names, no values and no token.
fn no_secret_was_left_about(rig: &Rig<'_>, tally: &mut Tally) -> Result<()> {
    for file in ["strongroom-migrate.json", "report.json"] {
        let text = std::fs::read_to_string(rig.dir.join(file))?;
        let leaked = [fill::CANARY, rig.target_root.as_str()].into_iter().find(|needle| text.contains(needle));
        tally.check(leaked.is_none(), || format!("{file} holds a secret"));
    }
    Ok(())
}
