//! `identity/group-alias`: what an auth mount calls an external group.

use serde::Deserialize;
use serde_json::{Map, json};
use strongroom_engine::{Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};
use strongroom_types::{AliasName, GroupName, uuid_v4};

use super::groups::new_group;
use super::{ById, Page, check_accessor, entries, listed, mounts, shown};
use crate::SystemCall;
use crate::identity::leftovers::gone_members_key;
use crate::identity::record::{Group, GroupAlias, GroupKind, group_alias_id_key, group_alias_key, group_key, id_at, is_id, save};
use crate::identity::store::{group, group_behind, index_group_alias, made_up, name_group, touch, unindex_group_alias};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "group-alias", "Ties a group of an auth mount to an external group.", write),
        route(Verb::Write, "group-alias/id/{id}", "Changes a group alias.", write),
        route(Verb::Read, "group-alias/id/{id}", "Shows a group alias.", read),
        route(Verb::Delete, "group-alias/id/{id}", "Deletes a group alias: its members leave the group.", delete),
        route(Verb::List, "group-alias/id/", "Lists the ids of group aliases.", list),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Write {
    id: Text,
    name: Text,
    mount_accessor: Text,
    canonical_id: Text,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<Text>("id", "Id of the group alias to change.").clear(),
        field::<Text>("name", "What the mount calls the group; found in any case.").clear(),
        field::<Text>("mount_accessor", "Accessor of the auth mount.").clear(),
        field::<Text>("canonical_id", "Id of the external group; one is made when left out.").clear(),
    ];
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    let old = match input.id.0.as_str() {
        "" => None,
        id => Some(find(ctx, id).await?.ok_or_else(|| Error::invalid("invalid group alias ID"))?),
    };
    if input.name.0.is_empty() {
        return Err(Error::invalid("missing alias name"));
    }
    if input.mount_accessor.0.is_empty() {
        return Err(Error::invalid("missing mount_accessor"));
    }
    let accessor = input.mount_accessor.0;
    check_accessor(ctx, &accessor).await?;
    let name = AliasName::parse(&input.name.0).map_err(|e| Error::invalid(format!("alias name: {e}")))?;
    let mut holder = holder(ctx, &input.canonical_id.0, old.as_ref().map(|(g, _)| g)).await?;
    if holder.kind == GroupKind::Internal {
        return Err(Error::invalid("alias can't be set on an internal group"));
    }
    let taken = id_at(&mut ctx.txn, group_alias_key(&accessor, &name).as_bytes()).await?;
    let own = old.as_ref().map_or(&holder.id, |(g, _)| &g.id);
    if taken.is_some_and(|id| id != *own) {
        return Err(Error::invalid("combination of mount and group alias name is already in use"));
    }
    let id = take_out(ctx, old, &mut holder).await?;
    touch(&mut holder, ctx.now);
    let (id, created) = id.unwrap_or_else(|| (uuid_v4(ctx.rng.as_ref()), ctx.now));
    let alias = GroupAlias { id, name: name.shown().to_owned(), accessor, created, updated: ctx.now, stamp: holder.modify_index };
    index_group_alias(&mut ctx.txn, &holder.id, &alias)?;
    let shown = json!({ "canonical_id": holder.id, "id": alias.id });
    holder.alias = Some(alias);
    save(&mut ctx.txn, group_key(&holder.id), &holder)?;
    Output::data(&shown)
}

/// The group that is named, the alias's own, or a new one.
async fn holder(ctx: &mut Ctx, id: &str, own: Option<&Group>) -> Result<Group> {
    match (id, own) {
        ("", Some(own)) => Ok(own.clone()),
        ("", None) => {
            let mut made = new_group(ctx, GroupKind::External);
            let name = GroupName::parse(&made_up("group", ctx.rng.as_ref())).map_err(|e| Error::Internal(e.to_string()))?;
            name_group(&mut ctx.txn, &mut made, &name).await?;
            Ok(made)
        }
        (id, _) => {
            let invalid = || Error::invalid("invalid group ID given in 'canonical_id'");
            group(&mut ctx.txn, id).await?.ok_or_else(invalid)
        }
    }
}

/// Takes the alias that changes out of its group, and the one that the group had: their members are no longer vouched for.
/// Gives id and creation time of the first.
async fn take_out(
    ctx: &mut Ctx,
    old: Option<(Group, GroupAlias)>,
    holder: &mut Group,
) -> Result<Option<(String, strongroom_types::Timestamp)>> {
    let kept = old.as_ref().map(|(_, alias)| (alias.id.clone(), alias.created));
    if let Some((mut from, alias)) = old.filter(|(from, _)| from.id != holder.id) {
        drop_alias(ctx, &from.id, &alias)?;
        from.alias = None;
        touch(&mut from, ctx.now);
        save(&mut ctx.txn, group_key(&from.id), &from)?;
    }
    if let Some(alias) = holder.alias.take() {
        drop_alias(ctx, &holder.id, &alias)?;
    }
    Ok(kept)
}

fn drop_alias(ctx: &mut Ctx, group: &str, alias: &GroupAlias) -> Result<()> {
    ctx.put(gone_members_key(&format!("{group}/{}", alias.stamp)), Vec::new());
    unindex_group_alias(&mut ctx.txn, alias)
}

/// A group alias with its group.
async fn find(ctx: &mut Ctx, id: &str) -> Result<Option<(Group, GroupAlias)>> {
    if !is_id(id) {
        return Ok(None);
    }
    let found = group_behind(&mut ctx.txn, &group_alias_id_key(id)).await?;
    Ok(found.and_then(|group| Some((group.clone(), group.alias.filter(|a| a.id == id)?))))
}

async fn read(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let (group, alias) = find(ctx, &input.id).await?.ok_or(Error::NotFound)?;
    Output::data(&shown::group_alias(&alias, &group.id, &*mounts(ctx).await?))
}

async fn delete(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let Some((mut group, alias)) = find(ctx, &input.id).await? else { return Ok(Output::nothing()) };
    drop_alias(ctx, &group.id, &alias)?;
    group.alias = None;
    touch(&mut group, ctx.now);
    save(&mut ctx.txn, group_key(&group.id), &group)?;
    Ok(Output::nothing())
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let (call, mounts) = (SystemCall::of(ctx)?, mounts(ctx).await?);
    let ids = entries(ctx, &group_alias_id_key(""), &page).await?;
    let look = |table: &crate::identity::table::Table| {
        let shown = ids.into_iter().filter_map(|(id, holder)| {
            let group = table.get(std::str::from_utf8(&holder).ok()?)?;
            let alias = group.alias.as_ref().filter(|a| a.id == id)?;
            Some((id, shown::group_alias_brief(alias, &group.id, &mounts)))
        });
        shown.collect::<Map<_, _>>()
    };
    listed(call.core.identities.groups.look(look).await?)
}
