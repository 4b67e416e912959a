//! Entities with their aliases, and groups. The target gives them ids of its own: they are known by their names, and members
//! are found again by the name of what they were.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use strongroom_client::Error;

use super::Copy;
use super::documents::names;
use super::end::reason;
use super::mounts;
use super::report::Fate;
use crate::output::Failure;

/// Ids at the source with those at the target.
type Ids = BTreeMap<String, String>;

pub(super) async fn all(copy: &mut Copy) -> Result<(), Failure> {
    let accessors = mounts::accessors(copy).await?;
    let entities = entities(copy, &accessors).await;
    groups(copy, &accessors, &entities).await;
    Ok(())
}

fn text(document: &Value, field: &str) -> String {
    document.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The fields that are set, of those that can be written back.
fn fields(document: &Value, names: &[&str]) -> Map<String, Value> {
    let set = names.iter().filter_map(|name| Some(((*name).to_owned(), document.get(name)?.clone())));
    set.filter(|(_, value)| !value.is_null()).collect()
}

async fn read(copy: &Copy, path: &str) -> Result<Value, Fate> {
    match copy.source.read::<Value>(path).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(Fate::Failed("it went away meanwhile".into())),
        Err(error) => Err(Fate::Failed(format!("can't be read: {}", reason(&error)))),
    }
}

/// Writes by name and answers the id at the target. None in a dry run.
async fn put(copy: &Copy, path: &str, body: &Map<String, Value>) -> Result<Option<String>, Error> {
    if copy.is_dry {
        return Ok(None);
    }
    copy.target.write(path, body).await?;
    let found: Option<Value> = copy.target.read(path).await?;
    Ok(found.map(|found| text(&found, "id")))
}

async fn entities(copy: &mut Copy, accessors: &Ids) -> Ids {
    let mut ids = Ids::new();
    for id in names(copy, "entities", "identity/entity/id").await {
        let (name, fate, made) = entity(copy, &id, accessors).await;
        ids.extend(made.map(|made| (id, made)));
        copy.report().add("entities", &name, fate);
    }
    ids
}

async fn entity(copy: &Copy, id: &str, accessors: &Ids) -> (String, Fate, Option<String>) {
    let found = match read(copy, &format!("identity/entity/id/{id}")).await {
        Ok(found) => found,
        Err(fate) => return (id.to_owned(), fate, None),
    };
    let name = text(&found, "name");
    let body = fields(&found, &["policies", "metadata", "disabled"]);
    let made = match put(copy, &format!("identity/entity/name/{name}"), &body).await {
        Ok(made) => made,
        Err(error) => return (name, Fate::Failed(reason(&error)), None),
    };
    let mut left = Vec::new();
    for alias in found.get("aliases").and_then(Value::as_array).into_iter().flatten() {
        if let Err(why) = alias_of(copy, "identity/entity-alias", alias, made.as_deref(), accessors).await {
            left.push(format!("alias `{}`: {why}", text(alias, "name")));
        }
    }
    (name, if left.is_empty() { Fate::Carried } else { Fate::Partly(left) }, made)
}

async fn alias_of(copy: &Copy, path: &str, alias: &Value, owner: Option<&str>, accessors: &Ids) -> Result<(), String> {
    if copy.is_dry {
        return Ok(());
    }
    let accessor = accessors.get(&text(alias, "mount_accessor")).ok_or("its auth method is not at the target")?;
    let mut body = fields(alias, &["name", "custom_metadata"]);
    body.insert("mount_accessor".into(), json!(accessor));
    body.insert("canonical_id".into(), json!(owner));
    copy.target.write(path, &body).await.map(|_| ()).map_err(|error| reason(&error))
}

/// All groups first, then who is in which: a group may be in one that comes later.
async fn groups(copy: &mut Copy, accessors: &Ids, entities: &Ids) {
    let (mut found, mut ids) = (Vec::new(), Ids::new());
    for id in names(copy, "groups", "identity/group/id").await {
        match read(copy, &format!("identity/group/id/{id}")).await {
            Err(fate) => copy.report().add("groups", &id, fate),
            Ok(group) => {
                let path = format!("identity/group/name/{}", text(&group, "name"));
                match put(copy, &path, &fields(&group, &["type", "policies", "metadata"])).await {
                    Ok(made) => {
                        ids.extend(made.map(|made| (id, made)));
                        found.push(group);
                    }
                    Err(error) => copy.report().add("groups", &text(&group, "name"), Fate::Failed(reason(&error))),
                }
            }
        }
    }
    for group in found {
        let fate = members(copy, &group, accessors, entities, &ids).await;
        copy.report().add("groups", &text(&group, "name"), fate);
    }
}

async fn members(copy: &Copy, group: &Value, accessors: &Ids, entities: &Ids, groups: &Ids) -> Fate {
    if copy.is_dry {
        return Fate::Carried;
    }
    let mut left = Vec::new();
    if text(group, "type") == "external" {
        let alias = group.get("alias").filter(|alias| !text(alias, "name").is_empty());
        let own = groups.get(&text(group, "id")).map(String::as_str);
        if let Some(alias) = alias
            && let Err(why) = alias_of(copy, "identity/group-alias", alias, own, accessors).await
        {
            left.push(format!("alias `{}`: {why}", text(alias, "name")));
        }
        return if left.is_empty() { Fate::Carried } else { Fate::Partly(left) };
    }
    let mut body = fields(group, &["type", "policies", "metadata"]);
    for (field, known) in [("member_entity_ids", entities), ("member_group_ids", groups)] {
        let wanted: Vec<&str> =
            group.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let ids: Vec<_> = wanted.iter().filter_map(|id| known.get(*id)).collect();
        if ids.len() < wanted.len() {
            left.push(format!("{} of {field} are not at the target", wanted.len().saturating_sub(ids.len())));
        }
        body.insert(field.to_owned(), json!(ids));
    }
    match copy.target.write(&format!("identity/group/name/{}", text(group, "name")), &body).await {
        Ok(_) if left.is_empty() => Fate::Carried,
        Ok(_) => Fate::Partly(left),
        Err(error) => Fate::Failed(reason(&error)),
    }
}
