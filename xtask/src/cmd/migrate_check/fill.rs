//! What the reference is given. Every value holds a canary, so that one can be found where none should be.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use serde_json::{Value, json};

use super::compare::encoded;
use crate::api::Api;

pub const CANARY: &str = "hunter2canary";
const WRITERS: usize = 4;
/// Secrets in one folder.
const FOLDER: usize = 500;

pub fn all(api: &Api, secrets: usize) -> Result<()> {
    let post = |path: &str, body: Value| api.must("POST", path, Some(&body)).map(drop);
    many(api, secrets)?;
    versions(api)?;
    post("sys/mounts/old", json!({ "type": "kv", "options": { "version": "1" }, "description": "without versions" }))?;
    for n in 0..20 {
        post(&format!("old/a/{n}"), json!({ "v": format!("{CANARY} {n}"), "number": 12345678901234567890u64, "real": 1.50 }))?;
    }
    post("sys/mounts/ca", json!({ "type": "pki" }))?;
    post("sys/mounts/transit", json!({ "type": "transit" }))?;
    post("sys/policies/acl/team", json!({ "policy": "path \"secret/data/*\" { capabilities = [\"read\"] }" }))?;
    post("sys/policies/password/long", json!({ "policy": "length = 20\nrule \"charset\" { charset = \"abcdefghij\" }" }))?;
    post("sys/quotas/rate-limit/all", json!({ "rate": 100_000.5, "path": "secret/" }))?;
    post("auth/token/roles/ci", json!({ "allowed_policies": ["team"], "orphan": true, "token_period": "1h" }))?;
    methods(&post)?;
    people(api, &post)
}

fn many(api: &Api, secrets: usize) -> Result<()> {
    let next = AtomicUsize::new(0);
    let write = |api: Api| -> Result<()> {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= secrets {
                return Ok(());
            }
            let body = json!({ "data": { "v": format!("{CANARY} {n}"), "n": n } });
            api.must("POST", &format!("secret/data/many/{:03}/{n:06}", n / FOLDER), Some(&body))?;
        }
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(|| write(api.clone()))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))?)
    })
}

/// Each state that a version can be in.
fn versions(api: &Api) -> Result<()> {
    let post = |path: &str, body: Value| api.must("POST", path, Some(&body)).map(drop);
    let write = |name: &str, n: u64| {
        post(
            &format!("secret/data/{}", encoded(name)),
            json!({ "data": { "v": format!("{CANARY} {n}"), "b": [n, null, 1.5e3] } }),
        )
    };
    for n in 1..=5 {
        write("states", n)?;
    }
    post("secret/delete/states", json!({ "versions": [2] }))?;
    post("secret/destroy/states", json!({ "versions": [3] }))?;
    for n in 1..=3 {
        write("all deleted", n)?;
    }
    post("secret/delete/all%20deleted", json!({ "versions": [1, 2, 3] }))?;
    post("secret/metadata/few", json!({ "max_versions": 3, "custom_metadata": { "owner": "ann", "ünï": "ö" } }))?;
    for n in 1..=8 {
        write("few", n)?;
    }
    post("secret/metadata/strict", json!({ "cas_required": true, "delete_version_after": "700h" }))?;
    for n in 0..3u64 {
        post("secret/data/strict", json!({ "data": { "v": CANARY }, "options": { "cas": n } }))?;
    }
    post("secret/metadata/empty", json!({ "custom_metadata": { "only": "metadata" } }))?;
    for name in ["a", "a/b", "a-b", "a/b/c", "ümlaut/ß", "per%cent", "with space", "plus+plus"] {
        write(&format!("names/{name}"), 1)?;
    }
    Ok(())
}

fn methods(post: &dyn Fn(&str, Value) -> Result<()>) -> Result<()> {
    post("sys/auth/people", json!({ "type": "userpass", "description": "staff" }))?;
    post("auth/people/users/ann", json!({ "password": CANARY, "token_policies": ["team"] }))?;
    post("sys/auth/machines", json!({ "type": "approle", "config": { "max_lease_ttl": "48h" } }))?;
    for n in 0..5 {
        post(
            &format!("auth/machines/role/r{n}"),
            json!({ "token_policies": ["team"], "token_ttl": "20m", "secret_id_num_uses": n }),
        )?;
    }
    post("auth/machines/role/r0/role-id", json!({ "role_id": "a-chosen-role-id" }))?;
    post("auth/machines/role/r1/secret-id", json!({}))?;
    post("sys/auth/jwt", json!({ "type": "jwt" }))
}

fn people(api: &Api, post: &dyn Fn(&str, Value) -> Result<()>) -> Result<()> {
    let accessor = api.must("GET", "sys/auth", None)?["data"]["people/"]["accessor"].clone();
    let mut members = Vec::new();
    for name in ["ann", "bob"] {
        let made = api.must(
            "POST",
            "identity/entity",
            Some(&json!({ "name": name, "policies": ["team"], "metadata": { "of": "staff" } })),
        )?;
        let id = made["data"]["id"].clone();
        post("identity/entity-alias", json!({ "name": name, "canonical_id": id, "mount_accessor": accessor }))?;
        members.push(id);
    }
    let inner = api.must("POST", "identity/group", Some(&json!({ "name": "inner", "member_entity_ids": members })))?;
    post("identity/group", json!({ "name": "outer", "policies": ["team"], "member_group_ids": [inner["data"]["id"]] }))
}
