//! Both servers, thing by thing.

use anyhow::Result;
use serde_json::{Value, json};

use crate::Tally;
use crate::api::Api;

/// Each must be named in the report, with a reason.
const LEFT_BEHIND: &[(&str, &str)] = &[
    ("secrets engines", "ca/"),
    ("secrets engines", "transit/"),
    ("auth methods", "jwt/"),
    ("users", "auth/people/users/ann"),
    ("secret ids", "1 of auth/machines/role/r1"),
    ("kv secrets", "secret/states"),
    ("kv secrets", "secret/all deleted"),
];

pub fn all(source: &Api, target: &Api, report: &Value, secrets: usize, tally: &mut Tally) -> Result<()> {
    let compared = secrets_below(source, target, "", tally)?;
    tally.check(compared >= secrets, || format!("only {compared} of {secrets} secrets are there to be compared"));
    let carried = &report["counts"]["kv secrets"];
    tally.check(carried["failed"] == 0 && carried["carried"] == json!(compared + 20), || {
        format!("the report counts {carried}, there are {compared}")
    });
    for n in 0..20 {
        same(source, target, &format!("old/a/{n}"), "/data", tally)?;
    }
    for (path, part) in [
        ("sys/policies/acl/team", "/data/policy"),
        ("sys/policies/password/long", "/data/policy"),
        ("sys/quotas/rate-limit/all", "/data/rate"),
        ("auth/token/roles/ci", "/data/allowed_policies"),
        ("auth/token/roles/ci", "/data/token_period"),
        ("auth/machines/role/r3", "/data/token_ttl"),
        ("auth/machines/role/r3", "/data/secret_id_num_uses"),
        ("auth/machines/role/r0/role-id", "/data/role_id"),
        ("auth/machines/role/r2/role-id", "/data/role_id"),
        ("sys/mounts/old/tune", "/data/description"),
        ("sys/auth/machines/tune", "/data/max_lease_ttl"),
        ("identity/entity/name/ann", "/data/policies"),
        ("identity/entity/name/ann", "/data/metadata"),
        ("identity/entity/name/bob", "/data/aliases/0/name"),
        ("identity/group/name/outer", "/data/policies"),
    ] {
        same(source, target, path, part, tally)?;
    }
    members(target, tally)?;
    let notes = report["not_carried"].as_array().cloned().unwrap_or_default();
    for (kind, name) in LEFT_BEHIND {
        let told =
            notes.iter().any(|n| n["kind"] == *kind && n["name"] == *name && n["reason"].as_str().is_some_and(|r| !r.is_empty()));
        tally.check(told, || format!("the report does not say that {kind} `{name}` stayed behind"));
    }
    let failures: Vec<_> = notes.iter().filter(|n| n["is_failure"] == true).collect();
    tally.check(failures.is_empty(), || format!("failures: {failures:?}"));
    Ok(())
}

fn same(source: &Api, target: &Api, path: &str, part: &str, tally: &mut Tally) -> Result<()> {
    let [here, there] = [source, target].map(|api| api.must("GET", path, None));
    let (here, there) = (here?, there?);
    // As text: a number that came through another form is another number.
    let text = |v: &Value| v.pointer(part).map(Value::to_string);
    tally.check(text(&here).is_some() && text(&here) == text(&there), || format!("{path}{part} differs"));
    Ok(())
}

fn members(target: &Api, tally: &mut Tally) -> Result<()> {
    let id = |path: &str| -> Result<Value> { Ok(target.must("GET", path, None)?["data"]["id"].clone()) };
    let mut people = [id("identity/entity/name/ann")?, id("identity/entity/name/bob")?].map(|v| v.to_string());
    people.sort();
    let group = |name: &str| target.must("GET", &format!("identity/group/name/{name}"), None);
    let inner = group("inner")?;
    let mut found: Vec<String> =
        inner["data"]["member_entity_ids"].as_array().into_iter().flatten().map(Value::to_string).collect();
    found.sort();
    tally.check(found == people, || "the members of group `inner` differ".into());
    let outer = group("outer")?;
    tally.check(outer["data"]["member_group_ids"] == json!([inner["data"]["id"]]), || {
        "the members of group `outer` differ".into()
    });
    Ok(())
}

/// Compares all secrets below a folder and counts them.
fn secrets_below(source: &Api, target: &Api, folder: &str, tally: &mut Tally) -> Result<usize> {
    let names = |api: &Api| -> Result<Value> {
        Ok(api.must("LIST", &format!("secret/metadata/{}", encoded(folder)), None)?["data"]["keys"].clone())
    };
    let (here, there) = (names(source)?, names(target)?);
    tally.check(here == there, || format!("names below `{folder}` differ"));
    let mut count = 0;
    for name in here.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let path = format!("{folder}{name}");
        if name.ends_with('/') {
            count += secrets_below(source, target, &path, tally)?;
        } else {
            let differs = difference(source, target, &path)?;
            tally.check(differs.is_none(), || format!("secret `{path}`: {}", differs.unwrap_or_default()));
            count += 1;
        }
    }
    Ok(count)
}

/// A path as it stands in a URL.
pub fn encoded(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn difference(source: &Api, target: &Api, path: &str) -> Result<Option<String>> {
    let metadata = |api: &Api| -> Result<Value> {
        Ok(api.must("GET", &format!("secret/metadata/{}", encoded(path)), None)?["data"].clone())
    };
    let (here, there) = (metadata(source)?, metadata(target)?);
    for field in ["current_version", "custom_metadata", "cas_required", "delete_version_after", "max_versions"] {
        if here[field] != there[field] {
            return Ok(Some(format!("{field} is {} and should be {}", there[field], here[field])));
        }
    }
    let current = here["current_version"].as_u64().unwrap_or(0);
    for n in 1..=current {
        let version = n.to_string();
        let (one, other) = (&here["versions"][&version], &there["versions"][&version]);
        let is_gone = |v: &Value| v.is_null() || v["destroyed"] == true;
        if is_gone(one) != is_gone(other) {
            return Ok(Some(format!("version {n} is {other} and should be {one}")));
        }
        let read = |api: &Api| api.call("GET", &format!("secret/data/{}?version={n}", encoded(path)), None);
        let (one, other) = (read(source)?, read(target)?);
        if one.status != other.status || one.json()["data"]["data"] != other.json()["data"]["data"] {
            return Ok(Some(format!("content of version {n} differs ({} and {})", one.status, other.status)));
        }
    }
    Ok(None)
}
