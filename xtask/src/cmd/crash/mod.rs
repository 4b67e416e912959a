//! `cargo xtask crash`: kill -9 at a random moment under mixed load, restart, and compare what the server holds with
//! what it had acknowledged. Nothing acknowledged may be missing, nothing may be half done, what was revoked stays
//! revoked, what may be used once is used once, the acknowledged key unseals, and the audit log has every answer and verifies. Data is carried from cycle to cycle.

mod broken;
mod ceremonies;
mod check;
mod claim;
mod leases;
mod load;
mod merges;
mod once;
mod thing;
mod trail;
mod trees;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use self::check::Lists;
use self::claim::Resource;
use self::load::{Cycle, Done};
use self::trail::Trail;
use crate::api::Api;
use crate::args::Args;
use crate::server::{Keys, Plan, Server};
use crate::{Tally, build, place};

/// When the kill comes after the load has begun, milliseconds.
const KILL_MS: std::ops::Range<u64> = 50..2_000;
/// Share of restarts that are killed too, at once, before the one that is checked.
const DOUBLE_KILL: f64 = 0.2;
/// Things of older cycles that are looked at again after each kill; the last check looks at all.
const OLDER_CHECKED: usize = 200;

struct Rig {
    plan: Plan,
    keys: Keys,
    seed: u64,
    rng: StdRng,
    /// All things of all cycles; the newest cycle's at the end.
    resources: Vec<Resource>,
    trail: Trail,
    unanswered_tokens: usize,
    requests: usize,
    /// Acknowledged replacements of the unseal key, at most one a cycle counted.
    replaced: usize,
    /// Verifying takes longer as the log grows; then not every cycle does it.
    verify_from: usize,
}

pub fn run(args: &Args) -> Result<Tally> {
    let cycles = args.number("cycles", 20_usize)?;
    let seed = args.number("seed", rand::random::<u32>().into())?;
    let (bin, keep) = (build::chosen(args, "ci")?, args.has("keep"));
    args.finish()?;
    let mut dir = place::work_dir("crash")?;
    let noticed = match Plan::new(&bin, dir.path())?.is_reference() {
        true => Tally::default(),
        false => broken::check(&bin)?,
    };
    let begin = Instant::now();
    let outcome = cycle_all(&bin, dir.path().into(), cycles, seed);
    dir.disable_cleanup(keep || outcome.is_err());
    let seconds = begin.elapsed().as_secs_f32();
    match outcome {
        Ok(rig) => {
            println!(
                "crash: {cycles} kills, {} requests acknowledged, {} things checked ({}), {} replacements of the unseal key, \
                 0 violations in {seconds:.0} s; --seed {seed}",
                rig.requests,
                rig.resources.len(),
                rig.kinds(),
                rig.replaced,
            );
            Ok(Tally { passed: cycles + noticed.passed, ..noticed })
        }
        Err(e) => {
            println!("FAIL crash: {e:#}\n     --seed {seed}; its files are kept in {}", dir.path().display());
            Ok(Tally::one(false))
        }
    }
}

fn cycle_all(bin: &std::path::Path, dir: PathBuf, cycles: usize, seed: u64) -> Result<Rig> {
    let plan = Plan::new(bin, &dir)?;
    let server = Server::start(&plan)?;
    let keys = server.init()?;
    load::prepare(&server.api(&keys.root), plan.is_reference())?;
    let (rng, trail) = (StdRng::seed_from_u64(seed), Trail::default());
    let mut rig = Rig {
        plan,
        keys,
        seed,
        rng,
        resources: Vec::new(),
        trail,
        unanswered_tokens: 0,
        requests: 0,
        replaced: 0,
        verify_from: 0,
    };
    let mut server = server;
    for number in 1..=cycles {
        server = rig.cycle(server, number).with_context(|| format!("cycle {number}"))?;
    }
    rig.finish(server)?;
    Ok(rig)
}

impl Rig {
    /// Load, kill, restart, check.
    fn cycle(&mut self, mut server: Server, number: usize) -> Result<Server> {
        let (hot, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let api = server.api(&self.keys.root);
        let is_reference = self.plan.is_reference();
        let unseal_key = Mutex::new(self.keys.unseal.clone());
        let cycle = Cycle { number, seed: self.seed, api: &api, stop: &stop, hot: &hot, is_reference, unseal_key: &unseal_key };
        let delay = Duration::from_millis(self.rng.random_range(KILL_MS));
        let done = under_load(&cycle, &mut server, delay)?;
        drop(server);
        let newest = unseal_key.into_inner().map_err(|_| anyhow!("a worker died"))?;
        self.replaced += usize::from(newest != self.keys.unseal);
        self.keys.unseal = newest;
        let server = self.restart()?;
        let api = server.api(&self.keys.root);
        let first_new = self.resources.len();
        let paths = self.take(done)?;
        self.check_audit(&paths, number)?;
        check::settle_hot(&api, &hot.into_inner().map_err(|_| anyhow!("a worker died"))?, number)?;
        self.check_resources(&api, first_new)?;
        let known = check::live_accessors(&self.resources);
        let known = self.with_root(&api, known)?;
        check::accessors(&api, &known, self.unanswered_tokens, self.plan.is_reference())?;
        Ok(server)
    }

    /// How many of each kind.
    fn kinds(&self) -> String {
        let mut counts = BTreeMap::new();
        self.resources.iter().for_each(|resource| *counts.entry(resource.kind()).or_insert(0_usize) += 1);
        counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
    }

    /// Starts again, now and then after a second kill in the middle of the start.
    fn restart(&mut self) -> Result<Server> {
        if self.rng.random_bool(DOUBLE_KILL) {
            let mut server = Server::start(&self.plan)?;
            if self.rng.random_bool(0.5) {
                server.unseal(&self.keys)?;
            }
            server.kill()?;
        }
        let server = Server::start(&self.plan)?;
        server.unseal(&self.keys)?;
        Ok(server)
    }

    /// Takes over what the workers left; returns the paths that must stand in the audit log.
    fn take(&mut self, done: Vec<Done>) -> Result<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        for part in done {
            if let Some(violation) = part.violation {
                bail!("an answer that a healthy server does not give: {violation}");
            }
            self.requests += part.requests;
            self.unanswered_tokens += part.unanswered_tokens;
            self.resources.extend(part.resources);
            paths.extend(part.paths);
        }
        Ok(paths)
    }

    fn check_audit(&mut self, acknowledged: &BTreeSet<String>, number: usize) -> Result<()> {
        let answered = self.trail.answered(&self.plan.audit_dir())?;
        if let Some(path) = acknowledged.difference(&answered).next() {
            bail!("{path} was acknowledged and has no response line in the audit log");
        }
        if number < self.verify_from || self.plan.is_reference() {
            return Ok(());
        }
        let begin = Instant::now();
        trail::verify(&self.plan.bin, &self.plan.audit_file())?;
        self.verify_from = number + 1 + begin.elapsed().as_secs() as usize;
        Ok(())
    }

    /// All things of this cycle and some of the older ones.
    fn check_resources(&mut self, api: &Api, first_new: usize) -> Result<()> {
        let lists = Lists::load(api)?;
        for _ in 0..OLDER_CHECKED.min(first_new) {
            let older = self.rng.random_range(0..first_new);
            check::settle(api, &lists, &mut self.resources[older])?;
        }
        self.resources[first_new..].iter_mut().try_for_each(|resource| check::settle(api, &lists, resource))
    }

    /// The root token has an accessor too.
    fn with_root(&self, api: &Api, mut known: BTreeSet<String>) -> Result<BTreeSet<String>> {
        let own = api.must("GET", "auth/token/lookup-self", None)?;
        known.extend(own["data"]["accessor"].as_str().map(str::to_owned));
        Ok(known)
    }

    /// At the end everything is looked at once more, then an orderly stop must leave a log that verifies.
    fn finish(&mut self, mut server: Server) -> Result<()> {
        let api = server.api(&self.keys.root);
        let lists = Lists::load(&api)?;
        self.resources.iter_mut().try_for_each(|r| check::settle(&api, &lists, r)).context("last check")?;
        server.stop()?;
        if !self.plan.is_reference() {
            trail::verify(&self.plan.bin, &self.plan.audit_file()).context("after an orderly stop")?;
        }
        Ok(())
    }
}

/// Runs the workers, kills the server after the delay, and waits until all workers have noticed.
fn under_load(cycle: &Cycle<'_>, server: &mut Server, delay: Duration) -> Result<Vec<Done>> {
    let jobs = if cycle.is_reference { load::REFERENCE_JOBS } else { load::JOBS.len() };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|id| scope.spawn(move || load::work(cycle, id))).collect();
        thread::sleep(delay);
        let killed = server.kill();
        cycle.stop.store(true, Ordering::Relaxed);
        let done = workers.into_iter().map(|w| w.join().map_err(|_| anyhow!("a worker died"))).collect();
        killed.and(done)
    })
}
