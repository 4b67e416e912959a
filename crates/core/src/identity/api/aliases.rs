//! `identity/entity-alias`: the names by which auth mounts know entities.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use strongroom_engine::{Ctx, Error, Field, Input, Output, Present, Result, Route, StringMap, Text, Verb, field, route};
use strongroom_types::{AliasName, EntityName};

use super::{ById, Page, check_accessor, given, listed, mounts, shown};
use crate::identity::record::{ALIASES_MAX, Alias, Entity, Metadata, alias_id_key, alias_key, entity_key, is_id};
use crate::identity::store::{
    check_metadata, entity, entity_behind, index_alias, list_members, made_up, name_entity, new_alias, new_entity, put_entity,
    unindex_alias,
};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "entity-alias", "Ties a name in an auth mount to an entity.", write),
        route(Verb::Write, "entity-alias/id/{id}", "Changes an alias.", write),
        route(Verb::Read, "entity-alias/id/{id}", "Shows an alias.", read),
        route(Verb::Delete, "entity-alias/id/{id}", "Deletes an alias.", delete),
        route(Verb::List, "entity-alias/id/", "Lists the ids of aliases.", list),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Write {
    id: Text,
    name: Text,
    mount_accessor: Text,
    canonical_id: Text,
    entity_id: Text,
    custom_metadata: Present<StringMap>,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<Text>("id", "Id of the alias to change.").clear(),
        field::<Text>("name", "What the mount calls the entity; found in any case.").clear(),
        field::<Text>("mount_accessor", "Accessor of the auth mount.").clear(),
        field::<Text>("canonical_id", "Id of the entity; one is made when left out.").clear(),
        field::<Text>("entity_id", "Older name of canonical_id.").clear(),
        field::<StringMap>("custom_metadata", "Texts, for policy templates among others."),
    ];
}

/// An alias as it shall be.
struct Wanted {
    name: AliasName,
    accessor: String,
    /// Empty: where it is, or a new entity.
    entity: String,
    custom_metadata: Option<Metadata>,
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    let entity_id = if input.canonical_id.0.is_empty() { input.entity_id.0 } else { input.canonical_id.0 };
    let custom_metadata = given(input.custom_metadata).map(|m| m.0);
    if let Some(metadata) = &custom_metadata {
        check_metadata("custom_metadata", metadata)?;
    }
    let by_id = if input.id.0.is_empty() { None } else { Some(find(ctx, &input.id.0).await?.ok_or_else(unknown)?) };
    let old = by_id.as_ref().map(|(_, alias)| alias);
    let name = if input.name.0.is_empty() { old.map(|a| a.name.clone()).unwrap_or_default() } else { input.name.0 };
    let accessor = if input.mount_accessor.0.is_empty() {
        old.map(|a| a.accessor.clone()).unwrap_or_default()
    } else {
        input.mount_accessor.0
    };
    if name.is_empty() || accessor.is_empty() {
        return Err(Error::invalid("'id' or 'mount_accessor' and 'name' must be provided"));
    }
    check_accessor(ctx, &accessor).await?;
    let name = AliasName::parse(&name).map_err(|e| Error::invalid(format!("alias name: {e}")))?;
    let wanted = Wanted { name, accessor, entity: entity_id, custom_metadata };
    let holder = entity_behind(&mut ctx.txn, &alias_key(&wanted.accessor, &wanted.name)).await?;
    match (by_id, holder) {
        // SECURITY: a name that another alias has is refused, and changes neither entity (CVE-2021-41802).
        (Some((_, alias)), Some(holder)) if holder.alias_of(&wanted.accessor).is_none_or(|a| a.id != alias.id) => {
            Err(Error::invalid("alias with combination of mount accessor and name already exists"))
        }
        (Some((holder, alias)), _) => change(ctx, holder, &alias.id, wanted).await,
        (None, Some(holder)) => {
            let dangling = || Error::Internal("an alias leads to an entity that does not hold it".into());
            let id = holder.alias_of(&wanted.accessor).ok_or_else(dangling)?.id.clone();
            let says_nothing = wanted.entity.is_empty();
            let changed = change(ctx, holder, &id, wanted).await?;
            Ok(if says_nothing { Output::nothing() } else { changed })
        }
        (None, None) => create(ctx, wanted).await,
    }
}

fn unknown() -> Error {
    Error::invalid("invalid alias ID provided")
}

/// An alias with its entity.
async fn find(ctx: &mut Ctx, id: &str) -> Result<Option<(Entity, Alias)>> {
    if !is_id(id) {
        return Ok(None);
    }
    let Some(entity) = entity_behind(&mut ctx.txn, &alias_id_key(id)).await? else { return Ok(None) };
    let alias = entity.aliases.iter().find(|a| a.id == id).cloned();
    Ok(alias.map(|alias| (entity, alias)))
}

async fn create(ctx: &mut Ctx, wanted: Wanted) -> Result<Output> {
    let (rng, now) = (ctx.rng.clone(), ctx.now);
    let mut alias = new_alias(rng.as_ref(), now, &wanted.accessor, &wanted.name);
    let mut holder = if wanted.entity.is_empty() {
        alias.custom_metadata = Some(Metadata::new());
        let mut made = new_entity(rng.as_ref(), now);
        let name = EntityName::parse(&made_up("entity", rng.as_ref())).map_err(|e| Error::Internal(e.to_string()))?;
        name_entity(&mut ctx.txn, &mut made, &name).await?;
        made
    } else {
        entity(&mut ctx.txn, &wanted.entity).await?.ok_or_else(|| Error::invalid("invalid canonical ID"))?
    };
    check_room(&holder, &wanted.accessor)?;
    if let Some(metadata) = wanted.custom_metadata {
        alias.custom_metadata = Some(metadata);
    }
    index_alias(&mut ctx.txn, &holder.id, &alias)?;
    let id = alias.id.clone();
    holder.aliases.push(alias);
    put_entity(&mut ctx.txn, &holder)?;
    Output::data(&json!({ "canonical_id": holder.id, "id": id }))
}

/// SECURITY: with two aliases on one mount a template could not tell whose value it means (CVE-2021-43998).
fn check_room(entity: &Entity, accessor: &str) -> Result<()> {
    if entity.alias_of(accessor).is_some() {
        return Err(Error::invalid("Alias already exists for requested entity and mount accessor"));
    }
    if entity.aliases.len() >= ALIASES_MAX {
        return Err(Error::invalid("an entity can have at most 32 aliases"));
    }
    Ok(())
}

/// Changes an alias and moves it to the entity that is wanted.
async fn change(ctx: &mut Ctx, mut from: Entity, id: &str, wanted: Wanted) -> Result<Output> {
    let at = from.aliases.iter().position(|a| a.id == id).ok_or_else(unknown)?;
    let mut alias = from.aliases.remove(at);
    let to_id = if wanted.entity.is_empty() { from.id.clone() } else { wanted.entity.clone() };
    let old_groups = alias.groups.clone();
    unindex_alias(&mut ctx.txn, &alias)?;
    if alias.accessor != wanted.accessor {
        // Another mount's word: what the old one said does not hold there.
        alias.groups.clear();
        alias.metadata.clear();
    }
    alias.name = wanted.name.shown().to_owned();
    alias.accessor.clone_from(&wanted.accessor);
    alias.updated = ctx.now;
    if let Some(metadata) = wanted.custom_metadata {
        alias.custom_metadata = Some(metadata);
    }
    let mut to = if to_id == from.id {
        from
    } else {
        let to = entity(&mut ctx.txn, &to_id).await?.ok_or_else(|| Error::invalid("invalid canonical ID"))?;
        list_members(&mut ctx.txn, &from.id, &old_groups, &[]).await?;
        list_members(&mut ctx.txn, &to.id, &[], &alias.groups).await?;
        put_entity(&mut ctx.txn, &from)?;
        to
    };
    check_room(&to, &wanted.accessor)?;
    if alias.groups.is_empty() {
        list_members(&mut ctx.txn, &to.id, &old_groups, &[]).await?;
    }
    index_alias(&mut ctx.txn, &to.id, &alias)?;
    to.aliases.push(alias);
    put_entity(&mut ctx.txn, &to)?;
    Output::data(&json!({ "canonical_id": to.id, "id": id }))
}

async fn read(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let (entity, alias) = find(ctx, &input.id).await?.ok_or(Error::NotFound)?;
    let mut map = shown::alias(&alias, &entity.id, &*mounts(ctx).await?);
    map.insert("namespace_id".into(), json!("root"));
    Output::data(&map)
}

async fn delete(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let Some((mut entity, alias)) = find(ctx, &input.id).await? else { return Ok(Output::nothing()) };
    unindex_alias(&mut ctx.txn, &alias)?;
    list_members(&mut ctx.txn, &entity.id, &alias.groups, &[]).await?;
    entity.aliases.retain(|a| a.id != alias.id);
    put_entity(&mut ctx.txn, &entity)?;
    Ok(Output::nothing())
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let (mounts, view) = (mounts(ctx).await?, ctx.txn.view().clone());
    let mut key_info = Map::new();
    for (id, holder) in super::entries(ctx, &alias_id_key(""), &page).await? {
        let holder = String::from_utf8_lossy(&holder).into_owned();
        let Some(found) = view.get(entity_key(&holder).as_bytes()).await? else { continue };
        let Ok(entity) = serde_json::from_slice::<Entity>(found.value()) else { continue };
        if let Some(alias) = entity.aliases.iter().find(|a| a.id == id) {
            key_info.insert(id, Value::Object(shown::alias_brief(alias, &entity.id, &mounts)));
        }
    }
    listed(key_info)
}
