//! The package's life, in an empty root.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{make, packaging};
use crate::api::Api;
use crate::args::Args;
use crate::server::free_port;
use crate::{Tally, build, place, run};

/// Of `systemd-analyze security`, times ten: lower is better, 10 of 100 is what a daemon can reach at best.
const EXPOSURE_MAX: &str = "20";
const START_LIMIT: Duration = Duration::from_secs(20);

pub fn check(args: &Args) -> Result<Tally> {
    let bin = build::chosen(args, "ci")?;
    args.finish()?;
    let (dir, mut tally) = (place::work_dir("package-check")?, Tally::default());
    let root = dir.path().join("system");
    let package = make(&bin, &dir.path().join("out"))?;
    unit(&mut tally)?;
    if !run::text(Command::new("id").arg("-u"))?.trim().eq("0") {
        println!("package: not root, so the package is made and not installed");
        return Ok(tally);
    }
    empty_system(&root)?;
    dpkg(&root, &["--install", &package.display().to_string()])?;
    installed(&root, &mut tally)?;
    started(&root, &mut tally)?;
    removed(&root, &package, &mut tally)?;
    println!("package: {} ok, {} bad", tally.passed, tally.failed);
    Ok(tally)
}

/// How much the unit takes away from the server, in systemd's own judgement.
fn unit(tally: &mut Tally) -> Result<()> {
    let unit = packaging("strongroom.service");
    let text = fs::read_to_string(&unit)?;
    for line in
        ["NoNewPrivileges=yes", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes", "LimitCORE=0", "LimitMEMLOCK=infinity"]
    {
        tally.check(text.lines().any(|l| l == line), || format!("the unit lacks {line}"));
    }
    if run::found("systemd-analyze") {
        let threshold = format!("--threshold={EXPOSURE_MAX}");
        let judged = run::output(Command::new("systemd-analyze").args(["security", "--offline=true", &threshold]).arg(&unit))?;
        let said = String::from_utf8_lossy(&judged.stdout);
        println!("package:{}", said.lines().last().unwrap_or_default().trim_start_matches('→'));
        tally.check(judged.status.success(), || "the unit leaves more open than it should".into());
    }
    Ok(())
}

fn empty_system(root: &Path) -> Result<()> {
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "var/log"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
    Ok(fs::write(root.join("var/lib/dpkg/status"), "")?)
}

/// Scripts run beside the root and not in it: there is nothing in it that could run them.
fn dpkg(root: &Path, what: &[&str]) -> Result<()> {
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display())).args(["--force-script-chrootless", "--force-depends", "--no-triggers"]);
    run::text(command.args(what).env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}

fn installed(root: &Path, tally: &mut Tally) -> Result<()> {
    let users = fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    let user = users.lines().find(|line| line.starts_with("strongroom:")).context("no user was made")?;
    let id: u32 = user.split(':').nth(2).context("a user without an id")?.parse()?;
    tally.check(user.ends_with("/nologin"), || format!("the user can log in: {user}"));
    for (path, mode, owner) in [
        ("usr/bin/strongroom", 0o755, 0),
        ("usr/lib/systemd/system/strongroom.service", 0o644, 0),
        ("etc/strongroom", 0o750, 0),
        ("etc/strongroom/server.hcl", 0o640, 0),
        ("var/lib/strongroom", 0o700, id),
        ("var/log/strongroom", 0o700, id),
    ] {
        let found = fs::metadata(root.join(path)).with_context(|| path.to_owned())?;
        let fits = found.permissions().mode() & 0o7777 == mode && found.uid() == owner;
        tally.check(fits, || format!("/{path} has mode {:o} and owner {}", found.permissions().mode(), found.uid()));
    }
    Ok(())
}

/// Ends its process when it goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the unit starts, with the packaged configuration, moved below the root.
fn started(root: &Path, tally: &mut Tally) -> Result<()> {
    let unit = fs::read_to_string(root.join("usr/lib/systemd/system/strongroom.service"))?;
    let line = unit.lines().find_map(|l| l.strip_prefix("ExecStart=")).context("the unit starts nothing")?;
    let (port, below) = (free_port()?, |text: &str| text.replace("/etc/", &format!("{}/etc/", root.display())));
    let words: Vec<String> = line.split_whitespace().map(below).collect();
    let [program, args @ ..] = words.as_slice() else { bail!("the unit starts nothing") };
    let config = root.join("etc/strongroom/server.hcl");
    let packaged = fs::read_to_string(&config)?;
    let moved = packaged.replace("/var/", &format!("{}/var/", root.display())).replace(":8200", &format!(":{port}"));
    fs::write(&config, moved)?;
    let mut command = Command::new(root.join(program.trim_start_matches('/')));
    let mut server = Running(command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let stranger = Api::new(&format!("http://127.0.0.1:{port}"), "");
    let end = Instant::now() + START_LIMIT;
    while !stranger.call("GET", "sys/seal-status", None).is_ok_and(|a| a.ok()) {
        if let Some(status) = server.0.try_wait()? {
            bail!("the packaged server ended at once: {status}");
        }
        if Instant::now() > end {
            bail!("the packaged server does not answer");
        }
        sleep(Duration::from_millis(20));
    }
    let made = stranger.must("PUT", "sys/init", Some(&json!({ "secret_shares": 1, "secret_threshold": 1 })))?;
    stranger.must("PUT", "sys/unseal", Some(&json!({ "key": made["keys_base64"][0] })))?;
    figures(&stranger.with_token(made["root_token"].as_str().unwrap_or_default()), tally)?;
    run::text(Command::new("sh").args(["-c", "kill -s TERM \"$0\"", &server.0.id().to_string()]))?;
    tally.check(server.0.wait()?.success(), || "the server does not stop in order".into());
    Ok(fs::write(&config, packaged)?)
}

/// Every figure that dashboard and alerts name is one that the server has.
fn figures(api: &Api, tally: &mut Tally) -> Result<()> {
    api.must("POST", "sys/mounts/secret", Some(&json!({ "type": "kv", "options": { "version": "2" } })))?;
    api.must("POST", "secret/data/a", Some(&json!({ "data": { "k": "v" } })))?;
    let page = api.send("GET", "sys/metrics?format=prometheus", &[], None)?.text();
    let known: BTreeSet<&str> = page.lines().filter_map(|line| line.split([' ', '{']).next()).collect();
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(packaging("grafana.json"))?)?;
    let alerts = fs::read_to_string(packaging("alerts.yaml"))?;
    let mut expressions: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
    let panels = dashboard["panels"].as_array().context("the dashboard has no panels")?;
    expressions
        .extend(panels.iter().flat_map(|p| p["targets"].as_array().into_iter().flatten()).filter_map(|t| t["expr"].as_str()));
    let named: BTreeSet<&str> = expressions.iter().flat_map(|text| names(text)).collect();
    tally.check(named.len() > 20, || format!("only {} figures are named", named.len()));
    for name in named {
        tally.check(known.contains(name), || format!("the server has no figure `{name}`"));
    }
    Ok(())
}

/// Words that begin as our figures do.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|w| ["vault_", "strongroom_", "process_"].iter().any(|start| w.starts_with(start)))
}

/// A removal keeps the configuration, a purge keeps the data, and a purge that is told so keeps nothing.
fn removed(root: &Path, package: &Path, tally: &mut Tally) -> Result<()> {
    let has = |path: &str| root.join(path).exists();
    dpkg(root, &["--remove", "strongroom"])?;
    tally.check(!has("usr/bin/strongroom") && has("etc/strongroom/server.hcl"), || "a removal took the wrong things".into());
    dpkg(root, &["--purge", "strongroom"])?;
    let kept = has("var/lib/strongroom/strongroom.db") && has("var/log/strongroom/audit.log");
    tally.check(!has("etc/strongroom") && kept, || "a purge took the data, or left the configuration".into());
    dpkg(root, &["--install", &package.display().to_string()])?;
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", root.display())).args(["--force-script-chrootless", "--purge", "strongroom"]);
    run::text(command.env("STRONGROOM_PURGE_DATA", "yes"))?;
    tally.check(!has("var/lib/strongroom") && !has("var/log/strongroom"), || "a purge of everything left something".into());
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_are_found_in_expressions() {
        let found: Vec<_> = super::names("rate(strongroom_a_total{x=\"y\"}[5m]) > vault_b or up == 0").collect();
        assert_eq!(found, ["strongroom_a_total", "vault_b"]);
    }
}
