//! Entities, groups and aliases as answers show them.

use serde_json::{Map, Value, json};

use crate::identity::facts::EntityFacts;
use crate::identity::record::{Alias, Entity, Group, GroupAlias, Metadata};
use crate::mount::Table as MountTable;

/// Empty shows as null.
fn or_null(metadata: &Metadata) -> Value {
    if metadata.is_empty() { Value::Null } else { json!(metadata) }
}

fn list_or_null(list: &[String]) -> Value {
    if list.is_empty() { Value::Null } else { json!(list) }
}

/// The mount's path and type, while it is there.
fn add_mount(map: &mut Map<String, Value>, accessor: &str, mounts: &MountTable) {
    map.insert("mount_accessor".into(), json!(accessor));
    if let Some(mount) = mounts.by_accessor(accessor) {
        map.insert("mount_path".into(), json!(mount.entry.path));
        map.insert("mount_type".into(), json!(mount.entry.engine));
    }
}

/// `facts` tells the groups, `entity` the record with all its aliases.
pub fn entity(entity: &Entity, facts: &EntityFacts, mounts: &MountTable) -> Value {
    let aliases: Vec<Value> = entity.aliases.iter().map(|a| Value::Object(alias(a, &entity.id, mounts))).collect();
    let all: Vec<&String> = facts.direct.iter().chain(&facts.inherited).collect();
    json!({
        "aliases": aliases,
        "creation_time": entity.created.rfc3339(),
        "direct_group_ids": facts.direct,
        "disabled": entity.disabled,
        "group_ids": all,
        "id": entity.id,
        "inherited_group_ids": facts.inherited,
        "last_update_time": entity.updated.rfc3339(),
        "merged_entity_ids": list_or_null(&entity.merged),
        "metadata": or_null(&entity.metadata),
        "name": entity.name,
        "namespace_id": "root",
        "policies": entity.policies,
    })
}

pub fn alias(alias: &Alias, entity: &str, mounts: &MountTable) -> Map<String, Value> {
    let mut map = alias_brief(alias, entity, mounts);
    map.insert("creation_time".into(), json!(alias.created.rfc3339()));
    map.insert("id".into(), json!(alias.id));
    map.insert("last_update_time".into(), json!(alias.updated.rfc3339()));
    map.insert("merged_from_canonical_ids".into(), list_or_null(&alias.merged_from));
    map
}

/// As lists of aliases tell it.
pub fn alias_brief(alias: &Alias, entity: &str, mounts: &MountTable) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("canonical_id".into(), json!(entity));
    map.insert("custom_metadata".into(), json!(alias.custom_metadata));
    map.insert("local".into(), json!(false));
    map.insert("metadata".into(), or_null(&alias.metadata));
    map.insert("name".into(), json!(alias.name));
    add_mount(&mut map, &alias.accessor, mounts);
    map
}

/// As lists of entities tell it.
pub fn entity_brief(entity: &Entity, mounts: &MountTable) -> Value {
    let brief = |alias: &Alias| {
        let mut map = Map::new();
        map.insert("id".into(), json!(alias.id));
        map.insert("name".into(), json!(alias.name));
        add_mount(&mut map, &alias.accessor, mounts);
        map
    };
    let mut map = Map::new();
    map.insert("name".into(), json!(entity.name));
    if !entity.aliases.is_empty() {
        map.insert("aliases".into(), entity.aliases.iter().map(|a| Value::Object(brief(a))).collect());
    }
    Value::Object(map)
}

/// What a group's own record does not say.
pub struct Around {
    pub members: Vec<String>,
    /// Groups of the record that are there.
    pub children: Vec<String>,
    pub parents: Vec<String>,
}

pub fn group(group: &Group, around: &Around, mounts: &MountTable) -> Value {
    let alias = group.alias.as_ref().map(|a| group_alias_within(a, &group.id, mounts)).unwrap_or_default();
    json!({
        "alias": alias,
        "creation_time": group.created.rfc3339(),
        "id": group.id,
        "last_update_time": group.updated.rfc3339(),
        "member_entity_ids": list_or_null(&around.members),
        "member_group_ids": list_or_null(&around.children),
        "metadata": or_null(&group.metadata),
        "modify_index": group.modify_index,
        "name": group.name,
        "namespace_id": "root",
        "parent_group_ids": list_or_null(&around.parents),
        "policies": list_or_null(&group.policies),
        "type": group.kind.as_str(),
    })
}

fn group_alias_within(alias: &GroupAlias, group: &str, mounts: &MountTable) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("canonical_id".into(), json!(group));
    map.insert("creation_time".into(), json!(alias.created.rfc3339()));
    map.insert("id".into(), json!(alias.id));
    map.insert("last_update_time".into(), json!(alias.updated.rfc3339()));
    map.insert("merged_from_canonical_ids".into(), Value::Null);
    map.insert("metadata".into(), Value::Null);
    map.insert("name".into(), json!(alias.name));
    add_mount(&mut map, &alias.accessor, mounts);
    map
}

pub fn group_alias(alias: &GroupAlias, group: &str, mounts: &MountTable) -> Map<String, Value> {
    let mut map = group_alias_within(alias, group, mounts);
    map.insert("custom_metadata".into(), Value::Null);
    map.insert("local".into(), json!(false));
    map.insert("namespace_id".into(), json!("root"));
    map
}

/// As lists of group aliases tell it.
pub fn group_alias_brief(alias: &GroupAlias, group: &str, mounts: &MountTable) -> Value {
    let mut map = Map::new();
    for (name, value) in [
        ("canonical_id", json!(group)),
        ("custom_metadata", Value::Null),
        ("local", json!(false)),
        ("metadata", Value::Null),
        ("name", json!(alias.name)),
    ] {
        map.insert(name.into(), value);
    }
    add_mount(&mut map, &alias.accessor, mounts);
    Value::Object(map)
}
