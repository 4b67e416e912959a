//! Secrets engines and auth methods: made at the target where it has none of that path, with their settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Copy;
use super::end::reason;
use super::report::Fate;
use crate::output::Failure;

/// A mount whose content can be copied.
pub(super) struct Mount {
    /// With trailing slash; of auth methods without `auth/`.
    pub path: String,
    pub kind: String,
    /// Of key-value mounts.
    pub version: u8,
}

type Table = BTreeMap<String, Value>;

const SETTINGS: &[&str] = &[
    "default_lease_ttl",
    "max_lease_ttl",
    "listing_visibility",
    "audit_non_hmac_request_keys",
    "audit_non_hmac_response_keys",
    "passthrough_request_headers",
    "allowed_response_headers",
    "token_type",
    "user_lockout_config",
];

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn version(entry: &Value) -> u8 {
    if entry.pointer("/options/version").and_then(Value::as_str) == Some("2") { 2 } else { 1 }
}

/// Key-value mounts at the target from here on.
pub(super) async fn secrets(copy: &mut Copy) -> Result<Vec<Mount>, Failure> {
    let (found, there) = tables(copy, "sys/mounts").await?;
    let mut mounts = Vec::new();
    for (path, entry) in &found {
        let kind = text(entry, "type");
        let fate = match kind {
            "kv" | "generic" => place(copy, "sys/mounts", path, "kv", entry, there.get(path)).await,
            // Every server has its own.
            "system" | "identity" | "cubbyhole" | "ns_system" | "ns_identity" | "ns_cubbyhole" => continue,
            "pki" => {
                Fate::Skipped("private keys of certificate authorities can't be read: set it up anew, or import the keys".into())
            }
            other => Fate::Skipped(format!("content of secrets engine `{other}` can't be read over the API")),
        };
        if matches!(fate, Fate::Carried) {
            mounts.push(Mount { path: path.clone(), kind: "kv".into(), version: version(entry) });
        }
        note(copy, "secrets engines", path, fate);
    }
    Ok(mounts)
}

/// Auth methods at the target from here on.
pub(super) async fn auth(copy: &mut Copy) -> Result<Vec<Mount>, Failure> {
    let (found, there) = tables(copy, "sys/auth").await?;
    let mut methods = Vec::new();
    for (path, entry) in &found {
        let kind = text(entry, "type");
        let fate = match kind {
            "userpass" | "approle" => place(copy, "sys/auth", path, kind, entry, there.get(path)).await,
            "token" | "ns_token" => continue,
            other => Fate::Skipped(format!("auth method `{other}` is not known to the target")),
        };
        if matches!(fate, Fate::Carried) {
            methods.push(Mount { path: path.clone(), kind: kind.to_owned(), version: 0 });
        }
        note(copy, "auth methods", path, fate);
    }
    Ok(methods)
}

/// A mount is told once, also when the run before got no further.
fn note(copy: &mut Copy, kind: &str, path: &str, fate: Fate) {
    let step = format!("{kind} {path}");
    if !copy.state.is_done(&step) {
        copy.report().add(kind, path, fate);
        // Saved with the next step.
        let _ = copy.state.done(&step);
    }
}

async fn tables(copy: &Copy, path: &str) -> Result<(Table, Table), Failure> {
    let mut tables = Vec::new();
    for end in [&copy.source, &copy.target] {
        let read: Option<Table> =
            end.read(path).await.map_err(|error| Failure::of(&error, &format!("reading {path} of the {}", end.role())))?;
        tables.push(read.unwrap_or_default());
    }
    let there = tables.pop().unwrap_or_default();
    Ok((tables.pop().unwrap_or_default(), there))
}

async fn place(copy: &Copy, folder: &str, path: &str, kind: &str, entry: &Value, there: Option<&Value>) -> Fate {
    if let Some(there) = there {
        let fits = text(there, "type") == kind && (kind != "kv" || version(there) == version(entry));
        return if fits {
            Fate::Carried
        } else {
            Fate::Failed("the target has something else at this path: move one of them".into())
        };
    }
    if copy.is_dry {
        return Fate::Carried;
    }
    let config: Map<String, Value> = SETTINGS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), entry.pointer(&format!("/config/{name}"))?.clone())))
        .filter(|(_, value)| !value.is_null())
        .collect();
    let mut body = json!({ "type": kind, "description": text(entry, "description"), "config": config });
    if let Some(fields) = body.as_object_mut().filter(|_| kind == "kv") {
        fields.insert("options".into(), json!({ "version": version(entry).to_string() }));
    }
    match copy.target.write(&format!("{folder}/{path}"), &body).await {
        Ok(_) => Fate::Carried,
        Err(error) => Fate::Failed(reason(&error)),
    }
}

/// Accessors of the source's auth methods with those of the target's at the same path.
pub(super) async fn accessors(copy: &Copy) -> Result<BTreeMap<String, String>, Failure> {
    let (found, there) = tables(copy, "sys/auth").await?;
    let pair = |(path, entry): (&String, &Value)| {
        Some((text(entry, "accessor").to_owned(), text(there.get(path)?, "accessor").to_owned()))
    };
    Ok(found.iter().filter_map(pair).collect())
}
