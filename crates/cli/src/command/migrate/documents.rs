//! What is one document under a name: policies, password policies, roles of tokens, quotas; and what is only told.

use serde_json::{Map, Value, json};

use super::Copy;
use super::end::reason;
use super::report::Fate;
use crate::output::Failure;

/// A list of documents that are written back as they were read.
pub(super) struct Kind<'a> {
    pub what: &'a str,
    pub folder: &'a str,
    /// Names that are not copied.
    pub without: &'a [&'a str],
}

pub(super) async fn policies(copy: &mut Copy) -> Result<(), Failure> {
    all(copy, Kind { what: "policies", folder: "sys/policies/acl", without: &["root"] }).await;
    all(copy, Kind { what: "password policies", folder: "sys/policies/password", without: &[] }).await;
    Ok(())
}

pub(super) async fn token_roles(copy: &mut Copy) -> Result<(), Failure> {
    all(copy, Kind { what: "token roles", folder: "auth/token/roles", without: &[] }).await;
    Ok(())
}

pub(super) async fn quotas(copy: &mut Copy) -> Result<(), Failure> {
    all(copy, Kind { what: "rate limit quotas", folder: "sys/quotas/rate-limit", without: &[] }).await;
    for name in names(copy, "lease count quotas", "sys/quotas/lease-count").await {
        let reason = "the target has no quotas of leases".to_owned();
        copy.report().add("lease count quotas", &name, Fate::Skipped(reason));
    }
    Ok(())
}

/// Names below a folder of the source. What can't be listed is told.
pub(super) async fn names(copy: &mut Copy, what: &str, folder: &str) -> Vec<String> {
    match copy.source.list(folder).await {
        Ok(names) => names,
        Err(error) => {
            copy.report().add(what, folder, Fate::Failed(format!("can't be listed: {}", reason(&error))));
            Vec::new()
        }
    }
}

async fn all(copy: &mut Copy, kind: Kind<'_>) {
    for name in names(copy, kind.what, kind.folder).await {
        if !kind.without.contains(&name.as_str()) {
            let fate = one(copy, &format!("{}/{name}", kind.folder)).await;
            copy.report().add(kind.what, &name, fate);
        }
    }
}

/// Reads a document and writes it to the same path of the target.
pub(super) async fn one(copy: &Copy, path: &str) -> Fate {
    let read: Option<Map<String, Value>> = match copy.source.read(path).await {
        Ok(read) => read,
        Err(error) => return Fate::Failed(format!("can't be read: {}", reason(&error))),
    };
    let Some(document) = read else { return Fate::Failed("it went away meanwhile".into()) };
    write(copy, path, &without_nulls(document)).await
}

pub(super) async fn write(copy: &Copy, path: &str, body: &Map<String, Value>) -> Fate {
    if copy.is_dry {
        return Fate::Carried;
    }
    match copy.target.write(path, body).await {
        Ok(_) => Fate::Carried,
        Err(error) => Fate::Failed(reason(&error)),
    }
}

/// Null says that nothing was set.
pub(super) fn without_nulls(document: Map<String, Value>) -> Map<String, Value> {
    document.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

/// What is told so that nobody misses it later.
pub(super) async fn left_behind(copy: &mut Copy) -> Result<(), Failure> {
    let folders = [
        ("namespaces", "sys/namespaces", "run migrate once for each, with -source-namespace"),
        ("tokens", "auth/token/accessors", "tokens can't be read: clients log in again"),
    ];
    for (what, folder, why) in folders {
        let count = copy.source.list(folder).await.map(|names| names.len()).unwrap_or(0);
        if count > 0 {
            copy.report().add(what, &format!("{count} below {folder}"), Fate::Skipped(why.into()));
        }
    }
    let devices: Map<String, Value> = copy.source.read("sys/audit").await.ok().flatten().unwrap_or_default();
    for (path, _) in devices.iter().filter(|(_, device)| device.get("type").is_some()) {
        copy.report().add("audit devices", path, Fate::Skipped("configure them in the target's configuration".into()));
    }
    let headers: Map<String, Value> =
        copy.source.read("sys/config/auditing/request-headers").await.ok().flatten().unwrap_or_default();
    for (name, rule) in headers.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let hmac = rule.get("hmac").cloned().unwrap_or(json!(false));
        let body = Map::from_iter([("hmac".to_owned(), hmac)]);
        let fate = write(copy, &format!("sys/config/auditing/request-headers/{name}"), &body).await;
        copy.report().add("audited headers", name, fate);
    }
    Ok(())
}
