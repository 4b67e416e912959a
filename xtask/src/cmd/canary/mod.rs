//! `cargo xtask canary`: a thousand marked secrets go through a server in every right and wrong way; then its log (at
//! debug level), its audit log, its refusals, its store, and what it leaves when it is made to crash must hold none.

mod approle;
mod cores;
mod needles;
mod storm;

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use rand::Rng;
use rand::distr::Alphanumeric;

use self::needles::Needles;
use self::storm::{KINDS, Storm};
use crate::args::Args;
use crate::server::{Plan, Server, files_below};
use crate::{Tally, build, place};

const SECRETS: usize = 1_000;
const STORE: &str = "the store";

pub fn run(args: &Args) -> Result<Tally> {
    let secrets = args.number("secrets", SECRETS)?;
    let bin = build::chosen(args, "ci")?;
    let keep = args.has("keep");
    args.finish()?;
    let mut dir = place::work_dir("canary")?;
    let mut plan = Plan::new(&bin, &dir.path().join("server"))?;
    (plan.tls, plan.log_level, plan.allow_core) = (true, "debug", true);
    let head = format!("cnry{}", random_text(12));
    let mut tally = Tally::default();
    let storm = traffic(&plan, &head, secrets, &mut tally)?;
    search(&plan, dir.path(), &head, &storm, &mut tally)?;
    dir.disable_cleanup(keep);
    println!("canary: {secrets} marked secrets, {} searches clean, {} not", tally.passed, tally.failed);
    Ok(tally)
}

fn random_text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// Sends all secrets, then crashes the server.
fn traffic(plan: &Plan, head: &str, secrets: usize, tally: &mut Tally) -> Result<Storm> {
    let mut server = Server::start(plan)?;
    let keys = server.init()?;
    let api = server.api(&keys.root);
    storm::prepare(&api)?;
    let mut storm = Storm::new(api);
    storm.tokens.add(&keys.root);
    storm.tokens.add(&keys.unseal);
    for i in 0..secrets {
        KINDS[i % KINDS.len()](&mut storm, &format!("{head}{}", random_text(16)))?;
    }
    cores::crash(&plan.dir, &mut server, "ABRT", tally)?;
    let mut again = Server::start(plan)?;
    again.unseal(&keys)?;
    cores::crash(&plan.dir, &mut again, "SEGV", tally)?;
    println!("canary: {} requests, {} bytes of refusals", storm.requests, storm.refusals.len());
    Ok(storm)
}

/// Looks for the head that all marks share, and for each token. First the search itself must find what was hidden.
fn search(plan: &Plan, dir: &Path, head: &str, storm: &Storm, tally: &mut Tally) -> Result<()> {
    let mut marks = Needles::default();
    marks.add(head);
    let (list, refused, control) = (dir.join("needles.txt"), dir.join("refusals.txt"), dir.join("control.bin"));
    fs::write(&control, [b"\0\xff".as_slice(), head.as_bytes(), b"\0"].concat())?;
    ensure!(marks.find(&list, std::slice::from_ref(&control))?.len() == 1, "the search does not find what is there");
    fs::write(&refused, &storm.refusals)?;
    let audit = files_below(&plan.audit_dir())?;
    ensure!(audit.iter().any(|p| fs::metadata(p).is_ok_and(|m| m.len() > 10_000)), "there is no audit log to search");
    let places = [
        ("the server's log", vec![plan.log()]),
        ("the audit log", audit),
        ("refusals", vec![refused]),
        (STORE, files_below(&plan.data())?),
    ];
    for (name, files) in places {
        for (kind, needles) in [("secret", &marks), ("token or key", &storm.tokens), ("accessor", &storm.accessors)] {
            if name == STORE && kind == "accessor" {
                continue;
            }
            let found = needles.find(&list, &files)?;
            tally.check(found.is_empty(), || format!("a {kind} stands in {name}:\n{}", found.join("\n")));
        }
    }
    Ok(())
}
