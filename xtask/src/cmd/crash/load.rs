//! The mixed load of a cycle. Each worker owns the things it makes and has at most one request under way, so that after
//! the kill it can say of each thing what was acknowledged and what may have happened. A worker ends at its first
//! unanswered request; an answer that a healthy server would not give is a violation.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::ceremonies::ceremonies;
use super::claim::{Claim, Hot, MountState, Resource, Secret, TokenState, Version};
use super::leases::{self, leases};
use super::merges::merges;
use super::once::{uses, wraps};
use super::thing::Thing;
use super::trees::trees;
use crate::api::{Answer, Api};

/// Longest pause between two requests of a worker, microseconds.
const PAUSE_US_MAX: u64 = 4_000;
/// Pause of the workers whose things are costly to check, milliseconds.
const RARE_MS: u64 = 20;
/// Versions of a hot key before the race goes on with another: fewer than are kept, so that every one can be read.
const HOT_VERSIONS: u64 = 80;
/// Policy of the tokens that are made.
pub const POLICY: &str = "crash";

/// What a worker leaves behind.
#[derive(Default)]
pub struct Done {
    pub resources: Vec<Resource>,
    /// Paths of acknowledged requests: each must stand in the audit log.
    pub paths: BTreeSet<String>,
    pub requests: usize,
    /// Tokens that were asked for and not answered: as many unknown accessors may exist.
    pub unanswered_tokens: usize,
    pub violation: Option<String>,
}

/// The request was not answered: the server is gone.
pub struct Gone;

pub type Step<T = ()> = Result<T, Gone>;

/// Shared by the workers of one cycle.
pub struct Cycle<'a> {
    pub number: usize,
    pub seed: u64,
    pub api: &'a Api,
    pub stop: &'a AtomicBool,
    /// The newest is the one that is raced for.
    pub hot: &'a Mutex<Vec<Hot>>,
    /// The reference leaves a mount half removed or a token half revoked when it is killed: it is not asked to.
    pub is_reference: bool,
    /// What unseals, as acknowledged.
    pub unseal_key: &'a Mutex<String>,
}

/// What the workers do; each stands for one thread.
pub const JOBS: &[fn(&mut Worker<'_>) -> Step] = &[
    unique, unique, patch, life, tokens, tokens, policies, mounts, hot, hot, hot, // what the reference is asked to do too
    trees, trees, wraps, uses, leases, merges, ceremonies,
];
/// Of these jobs, how many the reference survives.
pub const REFERENCE_JOBS: usize = 11;

pub struct Worker<'a> {
    cycle: &'a Cycle<'a>,
    id: usize,
    pub rng: StdRng,
    pub done: Done,
}

/// Runs the job with this number until the server is gone.
pub fn work(cycle: &Cycle<'_>, id: usize) -> Done {
    let rng = StdRng::seed_from_u64(cycle.seed ^ ((cycle.number as u64) << 16) ^ id as u64);
    let mut worker = Worker { cycle, id, rng, done: Done::default() };
    while worker.done.violation.is_none() && JOBS[id](&mut worker).is_ok() {}
    worker.done
}

impl<'a> Worker<'a> {
    pub fn cycle(&self) -> &'a Cycle<'a> {
        self.cycle
    }

    /// As the root token.
    pub fn api(&self) -> Api {
        self.cycle.api.clone()
    }

    /// Sends one request. Err: no answer came. An answer outside of `fine` is a violation.
    pub fn ask(&mut self, api: &Api, method: &str, path: &str, body: Option<&Value>, fine: &[u16]) -> Step<Answer> {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let headers = [("Content-Type", kind)];
        self.ask_with(api, method, path, body.map_or(&[], |_| &headers), body, fine)
    }

    pub fn ask_with(
        &mut self,
        api: &Api,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
        fine: &[u16],
    ) -> Step<Answer> {
        if self.cycle.stop.load(Ordering::Relaxed) {
            return Err(Gone);
        }
        sleep(Duration::from_micros(self.rng.random_range(0..PAUSE_US_MAX)));
        let text = body.map(Value::to_string);
        let answer = api.send(method, path, headers, text.as_ref().map(String::as_bytes)).map_err(|_| Gone)?;
        self.done.requests += 1;
        if !fine.contains(&answer.status) {
            self.done.violation = Some(format!("{method} {path}: {} {}", answer.status, answer.text()));
            return Err(Gone);
        }
        if answer.ok() {
            self.done.paths.insert(path.to_owned());
        }
        Ok(answer)
    }

    /// One request of the root token that must succeed.
    pub fn root(&mut self, method: &str, path: &str, body: Option<&Value>) -> Step<Value> {
        let api = self.api();
        Ok(self.ask(&api, method, path, body, &[200, 204])?.json())
    }

    pub fn name(&self, kind: &str) -> String {
        format!("{kind}-{}-{}-{}", self.cycle.number, self.id, self.done.resources.len())
    }

    pub fn value(&mut self) -> Value {
        let size = if self.rng.random_bool(0.05) { 4000 } else { 40 };
        let text: String = (0..size).map(|_| char::from(self.rng.random_range(b'a'..=b'z'))).collect();
        json!({"text": text, "number": self.rng.random::<u32>()})
    }

    /// An answer that lacks what it must have is a violation.
    pub fn insist(&mut self, holds: bool, otherwise: &str) -> Step {
        if !holds {
            self.done.violation = Some(otherwise.to_owned());
            return Err(Gone);
        }
        Ok(())
    }

    pub fn keep(&mut self, thing: impl Thing) {
        self.done.resources.push(Resource::Thing(Box::new(thing)));
    }

    /// The things of one kind.
    pub fn each<T: Thing>(&mut self, mut change: impl FnMut(&mut T)) {
        for resource in &mut self.done.resources {
            if let Some(thing) = as_one_of(resource) {
                change(thing);
            }
        }
    }

    /// The newest thing of a kind.
    pub fn newest<T: Thing>(&mut self, change: impl FnOnce(&mut T)) {
        if let Some(thing) = self.done.resources.iter_mut().rev().find_map(as_one_of) {
            change(thing);
        }
    }

    /// Asks for the end of tokens, all of which it brings.
    pub fn revoke(&mut self, path: &str, body: Value, meant: &[&str]) -> Step {
        change(self, meant, &TokenState::Gone);
        self.root("POST", path, Some(&body))?;
        acknowledge(self);
        Ok(())
    }

    pub fn accessor_of(&self, token: &str) -> String {
        let found = self.done.resources.iter().find_map(|resource| match resource {
            Resource::Token { id, accessor, .. } if id == token => Some(accessor.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// Does a request that brings the newest secret of this worker into the next state.
    fn step(&mut self, next: Secret, method: &str, path: &str, body: Option<&Value>) -> Step {
        if let Some(Resource::Secret { claim, .. }) = self.done.resources.last_mut() {
            claim.expect(next);
        }
        self.root(method, path, body)?;
        if let Some(Resource::Secret { claim, .. }) = self.done.resources.last_mut() {
            claim.ack();
        }
        Ok(())
    }
}

fn as_one_of<T: Thing>(resource: &mut Resource) -> Option<&mut T> {
    let Resource::Thing(thing) = resource else { return None };
    let thing: &mut dyn Any = &mut **thing;
    thing.downcast_mut()
}

/// A new secret per request.
fn unique(w: &mut Worker<'_>) -> Step {
    let (path, data) = (w.name("u"), w.value());
    w.done.resources.push(Resource::Secret { path: path.clone(), claim: Claim::new(Secret::default()) });
    let next = Secret { versions: vec![Version::Live(data.clone())], ..Secret::default() };
    w.step(next, "POST", &format!("secret/data/{path}"), Some(&json!({"data": data})))
}

/// A secret that is written once and patched a few times: every patch makes a version that keeps the other fields.
fn patch(w: &mut Worker<'_>) -> Step {
    let (path, mut data) = (w.name("p"), json!({"kept": w.value(), "n": 0}));
    let url = format!("secret/data/{path}");
    w.done.resources.push(Resource::Secret { path, claim: Claim::new(Secret::default()) });
    let mut secret = Secret { versions: vec![Version::Live(data.clone())], ..Secret::default() };
    w.step(secret.clone(), "POST", &url, Some(&json!({"data": data})))?;
    for n in 1..=4 {
        data["n"] = json!(n);
        secret.versions.push(Version::Live(data.clone()));
        w.step(secret.clone(), "PATCH", &url, Some(&json!({"data": {"n": n}})))?;
    }
    Ok(())
}

/// A secret that goes through every state: written, deleted, undeleted, destroyed, described.
fn life(w: &mut Worker<'_>) -> Step {
    let path = w.name("l");
    w.done.resources.push(Resource::Secret { path: path.clone(), claim: Claim::new(Secret::default()) });
    let (values, mut secret) = ([w.value(), w.value(), w.value()], Secret::default());
    let versions = |n: u64| json!({"versions": [n]});
    for value in &values {
        secret.versions.push(Version::Live(value.clone()));
        w.step(secret.clone(), "POST", &format!("secret/data/{path}"), Some(&json!({"data": value})))?;
    }
    secret.versions[1] = Version::Deleted(values[1].clone());
    w.step(secret.clone(), "POST", &format!("secret/delete/{path}"), Some(&versions(2)))?;
    secret.versions[0] = Version::Destroyed;
    w.step(secret.clone(), "POST", &format!("secret/destroy/{path}"), Some(&versions(1)))?;
    secret.versions[1] = Version::Live(values[1].clone());
    w.step(secret.clone(), "POST", &format!("secret/undelete/{path}"), Some(&versions(2)))?;
    secret.custom = BTreeMap::from([("owner".to_owned(), path.clone())]);
    w.step(secret.clone(), "POST", &format!("secret/metadata/{path}"), Some(&json!({"custom_metadata": secret.custom})))?;
    if w.rng.random_bool(0.5) {
        w.step(Secret::default(), "DELETE", &format!("secret/metadata/{path}"), None)?;
    }
    Ok(())
}

/// A parent with a child: one of them is renewed, or the parent is revoked and takes the child along, or uses run out.
fn tokens(w: &mut Worker<'_>) -> Step {
    let root = w.cycle.api.clone();
    sleep(Duration::from_millis(RARE_MS));
    let parent = new_token(w, &root, None, 0)?;
    let child = new_token(w, &root.with_token(&parent), Some(&parent), 0)?;
    let choices = if w.cycle.is_reference { 1 } else { 4 };
    match w.rng.random_range(0..choices) {
        0 => {
            change(w, &[&child], &TokenState::Live { renewed: true });
            w.ask(&root.with_token(&child), "POST", "auth/token/renew-self", Some(&json!({"increment": "100h"})), &[200])?;
            acknowledge(w);
        }
        1 => {
            change(w, &[&parent, &child], &TokenState::Gone);
            w.root("POST", "auth/token/revoke", Some(&json!({"token": parent})))?;
            acknowledge(w);
        }
        2 => {
            let used = new_token(w, &root, None, 1)?;
            change(w, &[&used], &TokenState::Gone);
            w.ask(&root.with_token(&used), "GET", "auth/token/lookup-self", None, &[200])?;
            acknowledge(w);
        }
        _ => {}
    }
    Ok(())
}

pub fn new_token(w: &mut Worker<'_>, api: &Api, parent: Option<&str>, uses: u32) -> Step<String> {
    let body = json!({"policies": [POLICY], "ttl": "30h", "num_uses": uses});
    w.done.unanswered_tokens += 1;
    let auth = w.ask(api, "POST", "auth/token/create", Some(&body), &[200])?.json()["auth"].take();
    w.done.unanswered_tokens -= 1;
    let (Some(id), Some(accessor)) = (auth["client_token"].as_str(), auth["accessor"].as_str()) else {
        w.done.violation = Some("auth/token/create answered without a token".to_owned());
        return Err(Gone);
    };
    w.done.resources.push(Resource::Token {
        id: id.to_owned(),
        accessor: accessor.to_owned(),
        parent: parent.map(str::to_owned),
        limited: uses > 0,
        claim: Claim::new(TokenState::Live { renewed: false }),
    });
    Ok(id.to_owned())
}

fn change(w: &mut Worker<'_>, ids: &[&str], next: &TokenState) {
    for resource in &mut w.done.resources {
        if let Resource::Token { id, claim, .. } = resource
            && ids.contains(&id.as_str())
        {
            claim.expect(next.clone());
        }
    }
}

fn acknowledge(w: &mut Worker<'_>) {
    for resource in &mut w.done.resources {
        if let Resource::Token { claim, .. } = resource {
            claim.ack();
        }
    }
}

/// A policy that is written, sometimes written again, sometimes deleted.
fn policies(w: &mut Worker<'_>) -> Step {
    let name = w.name("policy");
    sleep(Duration::from_millis(RARE_MS));
    let path = format!("sys/policies/acl/{name}");
    w.done.resources.push(Resource::Policy { name: name.clone(), claim: Claim::new(None) });
    let text = |n: u32| format!("path \"secret/data/{name}/{n}\" {{ capabilities = [\"read\"] }}\n");
    let steps = w.rng.random_range(1..=3);
    for n in 0..steps {
        let next = (n < 2).then(|| text(n));
        if let Some(Resource::Policy { claim, .. }) = w.done.resources.last_mut() {
            claim.expect(next.clone());
        }
        match next {
            Some(text) => w.root("PUT", &path, Some(&json!({"policy": text})))?,
            None => w.root("DELETE", &path, None)?,
        };
        if let Some(Resource::Policy { claim, .. }) = w.done.resources.last_mut() {
            claim.ack();
        }
    }
    Ok(())
}

/// A mount that is enabled, gets a secret, and is mostly disabled again.
fn mounts(w: &mut Worker<'_>) -> Step {
    sleep(Duration::from_millis(RARE_MS));
    let (path, value) = (w.name("m"), w.value());
    let mount = format!("sys/mounts/{path}");
    w.done.resources.push(Resource::Mount { path: path.clone(), claim: Claim::new(MountState::Absent) });
    let mut steps = vec![
        (MountState::Empty, "POST", mount.clone(), Some(json!({"type": "kv", "options": {"version": "1"}}))),
        (MountState::Holds(value.clone()), "POST", format!("{path}/one"), Some(value)),
    ];
    if !w.cycle.is_reference && w.rng.random_bool(0.8) {
        steps.push((MountState::Absent, "DELETE", mount, None));
    }
    for (next, method, path, body) in steps {
        if let Some(Resource::Mount { claim, .. }) = w.done.resources.last_mut() {
            claim.expect(next);
        }
        w.root(method, &path, body.as_ref())?;
        if let Some(Resource::Mount { claim, .. }) = w.done.resources.last_mut() {
            claim.ack();
        }
    }
    Ok(())
}

/// Several workers race for the next version of one key; exactly one may get it.
fn hot(w: &mut Worker<'_>) -> Step {
    let (cycle, value) = (w.cycle, w.value());
    let (index, next) = lock(cycle.hot, |hot| {
        if hot.last().is_none_or(|h| h.acked.len() as u64 >= HOT_VERSIONS) {
            hot.push(Hot::default());
        }
        let index = hot.len() - 1;
        let next = hot[index].acked.keys().last().copied().unwrap_or(0) + 1;
        hot[index].pending.push((next, value.clone()));
        (index, next)
    });
    let path = hot_path(cycle.number, index);
    let body = json!({"options": {"cas": next - 1}, "data": value});
    let answer = w.ask(cycle.api, "POST", &format!("secret/data/{path}"), Some(&body), &[200, 400])?;
    let twice = lock(cycle.hot, |hot| {
        hot[index].pending.retain(|(n, v)| *n != next || *v != value);
        answer.ok() && (answer.json()["data"]["version"] != json!(next) || hot[index].acked.insert(next, value).is_some())
    });
    if twice {
        w.done.violation = Some(format!("{path}: version {next} was acknowledged twice or as another"));
    }
    Ok(())
}

pub fn hot_path(cycle: usize, index: usize) -> String {
    format!("hot-{cycle}-{index}")
}

fn lock<T>(hot: &Mutex<Vec<Hot>>, look: impl FnOnce(&mut Vec<Hot>) -> T) -> T {
    look(&mut hot.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// What the load needs: the mount, the policy, what gives out leases.
pub fn prepare(api: &Api, is_reference: bool) -> Result<()> {
    if !is_reference {
        leases::prepare(api)?;
    }
    api.must("POST", "sys/mounts/secret", Some(&json!({"type": "kv", "options": {"version": "2"}})))?;
    let policy = "path \"auth/token/*\" { capabilities = [\"create\", \"read\", \"update\", \"sudo\"] }";
    api.must("PUT", &format!("sys/policies/acl/{POLICY}"), Some(&json!({"policy": policy})))?;
    for _ in 0..100 {
        // a fresh mount of the reference needs a moment
        if api.call("POST", "secret/config", Some(&json!({"max_versions": HOT_VERSIONS + 5})))?.ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    bail!("secret/config cannot be written")
}
