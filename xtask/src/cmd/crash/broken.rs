//! The rig's check of itself: a store that forgets acknowledged commits. It is put back to an earlier state between a kill and the
//! restart, which is what a server does that acknowledges before its commit is durable. Every kind of check must notice it, and
//! none may complain when nothing was forgotten.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::check::{self, Lists};
use super::claim::{Claim, MountState, Resource, Secret, TokenState, Version};
use super::load::{self, POLICY};
use super::once::{Limited, Wrapped};
use super::thing::text;
use crate::api::Api;
use crate::server::{Keys, Plan, Server, files_below};
use crate::{Tally, place};

/// Uses of a limited token.
const USES: usize = 3;

/// A server on which some things happened before its store is set aside, and others after.
struct Scene {
    plan: Plan,
    keys: Keys,
    resources: Vec<Resource>,
}

pub fn check(bin: &Path) -> Result<Tally> {
    let dir = place::work_dir("crash-broken")?;
    let healthy = Scene::play(bin, &dir.path().join("healthy"), false)?;
    let forgetful = Scene::play(bin, &dir.path().join("forgetful"), true)?;
    let mut tally = Tally::default();
    for (what, outcome) in healthy {
        tally.check(outcome.is_ok(), || format!("crash: nothing was forgotten, and the rig complains of {what}: {outcome:?}"));
    }
    for (what, outcome) in forgetful {
        tally.check(outcome.is_err(), || format!("crash: the rig does not notice that a store forgot {what}"));
    }
    if tally.failed > 0 {
        bail!("the rig cannot be trusted");
    }
    println!("crash: a store that forgets what was acknowledged is noticed, {} checks", tally.passed);
    Ok(tally)
}

impl Scene {
    /// What the rig's checks say in the end, each with what it is about.
    fn play(bin: &Path, dir: &Path, forgets: bool) -> Result<Vec<(String, Result<()>)>> {
        let plan = Plan::new(bin, dir)?;
        let mut server = Server::start(&plan)?;
        let keys = server.init()?;
        let mut scene = Self { plan, keys, resources: Vec::new() };
        let api = server.api(&scene.keys.root);
        load::prepare(&api, false)?;
        let (mut wrapped, mut limited) = (Wrapped::make(&api, json!({"v": 1}))?, Limited::make(&api, USES)?);
        let (secret, ending) = (write_secret(&api, 1)?, make_token(&api)?);
        server.kill()?;
        let aside = dir.join("aside");
        copy_files(&scene.plan.data(), &aside)?;

        let mut server = scene.restart(&[])?;
        let api = server.api(&scene.keys.root);
        wrapped.take(&api)?;
        limited.spend_all(&api)?;
        let newer = write_secret(&api, 2)?;
        scene.secret(vec![secret, newer]);
        api.must("POST", "auth/token/revoke", Some(&json!({"token": ending.0})))?;
        scene.token(ending, TokenState::Gone);
        scene.token(make_token(&api)?, TokenState::Live { renewed: false });
        scene.policy_and_mount(&api)?;
        scene.resources.extend([Resource::Thing(Box::new(wrapped)), Resource::Thing(Box::new(limited))]);
        server.kill()?;
        scene.ask(forgets.then_some(&aside))
    }

    fn restart(&self, flags: &[&str]) -> Result<Server> {
        let server = Server::start_with(&self.plan, flags)?;
        server.unseal(&self.keys)?;
        Ok(server)
    }

    fn secret(&mut self, versions: Vec<Version>) {
        let claim = Claim::new(Secret { versions, ..Secret::default() });
        self.resources.push(Resource::Secret { path: "broken".into(), claim });
    }

    fn token(&mut self, (id, accessor): (String, String), state: TokenState) {
        self.resources.push(Resource::Token { id, accessor, parent: None, limited: false, claim: Claim::new(state) });
    }

    fn policy_and_mount(&mut self, api: &Api) -> Result<()> {
        let policy = "path \"secret/broken\" { capabilities = [\"read\"] }";
        api.must("POST", "sys/policies/acl/broken", Some(&json!({"policy": policy})))?;
        self.resources.push(Resource::Policy { name: "broken".into(), claim: Claim::new(Some(policy.to_owned())) });
        api.must("POST", "sys/mounts/broken", Some(&json!({"type": "kv"})))?;
        api.must("POST", "broken/one", Some(&json!({"v": 1})))?;
        self.resources.push(Resource::Mount { path: "broken".into(), claim: Claim::new(MountState::Holds(json!({"v": 1}))) });
        Ok(())
    }

    /// `older`: what the store is put back to. The server itself would refuse it if a checkpoint of its audit log were newer: that
    /// is not what is tried here.
    fn ask(mut self, older: Option<&std::path::PathBuf>) -> Result<Vec<(String, Result<()>)>> {
        let mut said = Vec::new();
        if let Some(older) = older {
            fs::remove_dir_all(self.plan.data())?;
            self.plan.write_config()?; // makes the folder, for its owner alone
            copy_files(older, &self.plan.data())?;
        }
        let server = self.restart(if older.is_some() { &["-accept-rollback"] } else { &[] })?;
        let api = server.api(&self.keys.root);
        let lists = Lists::load(&api)?;
        let known = check::live_accessors(&self.resources);
        said.push(("an accessor".to_owned(), check::accessors(&api, &known, usize::MAX, false)));
        for resource in &mut self.resources {
            let what = format!("a {} ({})", resource.kind(), format!("{resource:?}").chars().take(200).collect::<String>());
            said.push((what, check::settle(&api, &lists, resource)));
        }
        Ok(said)
    }
}

fn write_secret(api: &Api, n: usize) -> Result<Version> {
    let data = json!({"n": n});
    api.must("POST", "secret/data/broken", Some(&json!({"data": data})))?;
    Ok(Version::Live(json!({"n": n})))
}

/// The token and its accessor.
fn make_token(api: &Api) -> Result<(String, String)> {
    let body = json!({"policies": [POLICY], "ttl": "30h"});
    let made = api.must("POST", "auth/token/create", Some(&body))?["auth"].take();
    Ok((text(&made["client_token"]), text(&made["accessor"])))
}

/// Copies a folder of a server that does not run.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    for path in files_below(from)? {
        let copy = to.join(path.strip_prefix(from)?);
        fs::create_dir_all(copy.parent().context("a file without folder")?)?;
        fs::copy(&path, &copy).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
