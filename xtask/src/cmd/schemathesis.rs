//! `cargo xtask schemathesis`: generated requests against our own OpenAPI document, as root and as somebody who may do
//! little. The document must be valid, no answer may be a server error, and no status or content type may be one that the
//! document does not tell.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::Api;
use crate::args::Args;
use crate::server::{DEV_ROOT, Plan, Server};
use crate::{Tally, build, needs, place, run};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance";
/// What would end the server or the caller, or make every later answer the same one. Of `sys/health` the caller chooses the
/// status. A keyring is full after 65,536 rotations.
const LEFT_OUT: &str = "^/sys/(seal|step-down|health|rotate)$|/revoke-self$|^/sys/quotas/rate-limit/";
/// The fewest operations that a document of ours can have; fewer means that nothing was tested.
const OPERATIONS_MIN: usize = 60;
const SECRETS: &[&str] = &["database", "pki", "ssh", "totp", "transit"];
const AUTH: &[&str] = &["approle", "cert", "jwt", "kubernetes", "ldap", "oidc", "radius", "userpass"];
const WEAK_POLICY: &str = "path \"secret/*\" { capabilities = [\"read\", \"list\"] }\n\
                           path \"sys/tools/*\" { capabilities = [\"update\"] }";

pub fn run(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "ci")?;
    let seconds: u64 = args.number("seconds", 30)?;
    let seed: u64 = args.number("seed", std::process::id().into())?;
    args.finish()?;
    let dir = place::work_dir("schemathesis")?;
    let server = Server::start_dev(&Plan::new(&bin, &dir.path().join("dev"))?)?;
    let root = server.api(DEV_ROOT);
    // The seed is told, so that a failure can be had again.
    println!("seed {seed}");
    mount_everything(&root)?;
    let mut tally = Tally::default();
    for (name, token) in [("root", DEV_ROOT.to_owned()), ("weak", weak_token(&root)?)] {
        let document = dir.path().join(format!("{name}.json"));
        tally.add(valid(&root.with_token(&token), &document)?);
        tally.add(attack(&server, &token, &document, seconds, seed)?);
    }
    let alive = root.call("GET", "auth/token/lookup-self", None)?;
    tally.check(alive.ok(), || format!("afterwards root is answered {}", alive.status));
    Ok(tally)
}

/// Every engine that the server has, so that its routes are in the document. One that it does not have is refused by 400.
fn mount_everything(root: &Api) -> Result<()> {
    root.must("POST", "sys/mounts/kv1", Some(&json!({ "type": "kv" })))?;
    for (place, engines) in [("sys/mounts", SECRETS), ("sys/auth", AUTH)] {
        for engine in engines {
            let answer = root.call("POST", &format!("{place}/{engine}"), Some(&json!({ "type": engine })))?;
            if !answer.ok() && answer.status != 400 {
                bail!("enabling {engine}: {} {}", answer.status, answer.text());
            }
        }
    }
    Ok(())
}

fn weak_token(root: &Api) -> Result<String> {
    root.must("PUT", "sys/policies/acl/weak", Some(&json!({ "policy": WEAK_POLICY })))?;
    let made = root.must("POST", "auth/token/create", Some(&json!({ "policies": ["weak"] })))?;
    made["auth"]["client_token"].as_str().map(str::to_owned).context("a token was made without its text")
}

/// Both forms of the document are valid; the plain one is kept in the file.
fn valid(api: &Api, document: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    for query in ["generic_mount_paths=true&context=x", ""] {
        let answer = api.call("GET", &format!("sys/internal/specs/openapi?{query}"), None)?;
        let operations = operations(&answer.json());
        tally.check(operations >= OPERATIONS_MIN, || format!("the document has {operations} operations only"));
        fs::write(document, &answer.body)?;
        let read = "import json, sys; from openapi_spec_validator import validate; validate(json.load(open(sys.argv[1])))";
        let judged = run::output(Command::new(needs::python()?).args(["-c", read]).arg(document))?;
        tally.check(judged.status.success(), || {
            let text = String::from_utf8_lossy(&judged.stderr).into_owned();
            format!("the document is not valid: {}", text.lines().last().unwrap_or_default())
        });
    }
    Ok(tally)
}

fn operations(document: &Value) -> usize {
    let of_item = |item: &Value| ["get", "post", "patch", "delete"].iter().filter(|m| item.get(**m).is_some()).count();
    document["paths"].as_object().map_or(0, |paths| paths.values().map(of_item).sum())
}

fn attack(server: &Server, token: &str, document: &Path, seconds: u64, seed: u64) -> Result<Tally> {
    let python = needs::python()?;
    let (status, lines) = run::marked(
        Command::new(python.with_file_name("schemathesis"))
            .current_dir(document.parent().context("the document has a folder")?)
            .args(["run", "--checks", CHECKS, "--phases", "coverage,fuzzing", "--continue-on-failure", "--no-color"])
            .args([
                "--exclude-path-regex",
                LEFT_OUT,
                "--max-redirects",
                "0",
                "--suppress-health-check",
                "all",
                "--warnings",
                "off",
            ])
            .args(["--max-time", &seconds.to_string(), "--seed", &seed.to_string(), "--max-examples", "20", "--no-shrink"])
            .args(["--workers", "2", "--header", &format!("X-Vault-Token: {token}"), "--url", &format!("{}/v1", server.addr)])
            .arg(document),
    )?;
    let tested = lines.iter().find_map(|l| l.trim().strip_prefix("Tested:")?.trim().parse().ok()).unwrap_or(0usize);
    let mut tally = Tally::default();
    tally.check(status.success(), || "an answer was none that the document tells".to_owned());
    tally.check(tested >= OPERATIONS_MIN / 2, || format!("{tested} operations were tested only"));
    Ok(tally)
}
