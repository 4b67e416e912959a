//! `identity/group`: sets of entities and of other groups, whose policies reach all that are in them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, json};
use strongroom_engine::{Ctx, Error, Field, Input, List, Output, Present, Result, Route, StringMap, Text, Verb, field, route};
use strongroom_types::{GroupName, uuid_v4};

use super::{ById, ByName, Page, entries, given, listed, mounts, not_of_this_name, shown};
use crate::SystemCall;
use crate::identity::leftovers::gone_members_key;
use crate::identity::record::{
    Group, GroupKind, MEMBER_GROUPS_MAX, MEMBERS_MAX, Metadata, Named, entity_key, group_key, group_name_key, group_names, is_id,
    members_of, save,
};
use crate::identity::store::{
    check_metadata, entity, group, group_by_name, made_up, name_group, policies, touch, unindex_group_alias,
};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "group", "Makes a group, or changes the one of that id or name.", write),
        route(Verb::Write, "group/id/{id}", "Changes a group; what is left out stays.", write),
        route(Verb::Write, "group/name/{name..}", "Makes or changes the group of that name.", write_named).folds(folded),
        route(Verb::Read, "group/id/{id}", "Shows a group.", read),
        route(Verb::Read, "group/name/{name..}", "Shows the group of that name.", read_named).folds(folded),
        route(Verb::Delete, "group/id/{id}", "Deletes a group; its policies stop counting.", delete),
        route(Verb::Delete, "group/name/{name..}", "Deletes the group of that name.", delete_named).folds(folded),
        route(Verb::List, "group/id/", "Lists the ids of groups.", list),
        route(Verb::List, "group/name/", "Lists the names of groups.", list_names),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Write {
    id: Text,
    name: Text,
    r#type: Text,
    policies: Present<List>,
    metadata: Present<StringMap>,
    member_entity_ids: Present<List>,
    member_group_ids: Present<List>,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<Text>("id", "Id of the group to change.").clear(),
        field::<Text>("name", "Name, found in any case; made up when left out.").clear(),
        field::<Text>("type", "`internal` (members are set here) or `external` (an auth method tells them).").clear(),
        field::<List>("policies", "Policies of all tokens whose entity is in the group.").clear(),
        field::<StringMap>("metadata", "Texts, for policy templates among others."),
        field::<List>("member_entity_ids", "All entities of an internal group.").clear(),
        field::<List>("member_group_ids", "All groups that are part of an internal group.").clear(),
    ];
}

fn folded(name: &str) -> Option<String> {
    GroupName::parse(name).ok().map(|name| name.folded().to_owned())
}

fn name(text: &str) -> Result<GroupName> {
    GroupName::parse(text).map_err(|e| Error::invalid(format!("group name: {e}")))
}

/// SECURITY (CVE-2026-89322): policy judged the name in the path, so no id may lead to another group.
async fn write_named(ctx: &mut Ctx, input: Write) -> Result<Output> {
    if !input.id.0.is_empty() {
        let named = group_by_name(&mut ctx.txn, &name(&input.name.0)?).await?;
        named.filter(|group| group.id == input.id.0).ok_or_else(|| not_of_this_name("group"))?;
    }
    write(ctx, input).await
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    let wanted = if input.name.0.is_empty() { None } else { Some(name(&input.name.0)?) };
    let found = match (input.id.0.as_str(), &wanted) {
        ("", None) => None,
        ("", Some(name)) => group_by_name(&mut ctx.txn, name).await?,
        (id, _) => Some(group(&mut ctx.txn, id).await?.ok_or_else(|| Error::invalid("invalid group ID"))?),
    };
    let is_new = found.is_none();
    let kind = kind(&input.r#type.0, found.as_ref())?;
    let mut group = found.unwrap_or_else(|| new_group(ctx, kind));
    let wanted = match wanted {
        None if is_new => Some(name(&made_up("group", ctx.rng.as_ref()))?),
        wanted => wanted,
    };
    // By name alone it is found, not renamed.
    if let Some(name) = wanted.filter(|name| is_new || (!input.id.0.is_empty() && name.shown() != group.name)) {
        name_group(&mut ctx.txn, &mut group, &name).await?;
    }
    if let Some(list) = given(input.policies) {
        group.policies = policies(&list)?;
    }
    if let Some(StringMap(metadata)) = given(input.metadata) {
        check_metadata("metadata", &metadata)?;
        group.metadata = metadata;
    }
    set_members(ctx, &mut group, given(input.member_entity_ids)).await?;
    set_groups(ctx, &mut group, given(input.member_group_ids)).await?;
    touch(&mut group, ctx.now);
    save(&mut ctx.txn, group_key(&group.id), &group)?;
    if !is_new {
        return Ok(Output::nothing());
    }
    Output::data(&json!({ "id": group.id, "name": group.name }))
}

fn kind(text: &str, found: Option<&Group>) -> Result<GroupKind> {
    let asked = match text {
        "" => None,
        "internal" => Some(GroupKind::Internal),
        "external" => Some(GroupKind::External),
        _ => return Err(Error::invalid("invalid group type: it is `internal` or `external`")),
    };
    match (asked, found) {
        (Some(asked), Some(found)) if asked != found.kind => Err(Error::invalid("group type cannot be changed")),
        (asked, found) => Ok(asked.or(found.map(|g| g.kind)).unwrap_or(GroupKind::Internal)),
    }
}

pub fn new_group(ctx: &Ctx, kind: GroupKind) -> Group {
    Group {
        id: uuid_v4(ctx.rng.as_ref()),
        name: String::new(),
        kind,
        policies: Vec::new(),
        metadata: Metadata::new(),
        members: Vec::new(),
        groups: Vec::new(),
        alias: None,
        created: ctx.now,
        updated: ctx.now,
        modify_index: 0,
    }
}

fn ids(list: List) -> Vec<String> {
    let unique: BTreeSet<String> = list.0.into_iter().filter(|id| !id.is_empty()).collect();
    unique.into_iter().collect()
}

/// New members whose being there the commit rests on; of more, each was there a moment before.
const CERTAIN_MAX: usize = 400;

async fn set_members(ctx: &mut Ctx, group: &mut Group, given: Option<List>) -> Result<()> {
    let Some(members) = given.map(ids) else { return Ok(()) };
    if group.kind == GroupKind::External {
        let refusal = || Error::invalid("member entities can't be set manually for external groups");
        return if members.is_empty() { Ok(()) } else { Err(refusal()) };
    }
    if members.len() > MEMBERS_MAX {
        return Err(Error::invalid("member_entity_ids must have at most 10000 ids"));
    }
    let known: BTreeSet<&String> = group.members.iter().collect();
    let new: Vec<&String> = members.iter().filter(|id| !known.contains(id)).collect();
    let view = ctx.txn.view().clone();
    for id in &new {
        let is_there = match is_id(id) {
            true if new.len() > CERTAIN_MAX => view.get(entity_key(id).as_bytes()).await?.is_some(),
            true => entity(&mut ctx.txn, id).await?.is_some(),
            false => false,
        };
        if !is_there {
            return Err(Error::invalid("member_entity_ids: invalid entity ID"));
        }
    }
    group.members = members;
    Ok(())
}

async fn set_groups(ctx: &mut Ctx, own: &mut Group, given: Option<List>) -> Result<()> {
    let Some(groups) = given.map(ids) else { return Ok(()) };
    if own.kind == GroupKind::External {
        return if groups.is_empty() { Ok(()) } else { Err(Error::invalid("member groups can't be set for external groups")) };
    }
    if groups.contains(&own.id) {
        return Err(Error::invalid("member group ID is same as the ID of the group"));
    }
    for id in &groups {
        if group(&mut ctx.txn, id).await?.is_none() {
            return Err(Error::invalid("member_group_ids: invalid member group ID"));
        }
    }
    check_cycles(ctx, &own.id, &groups).await?;
    own.groups = groups;
    Ok(())
}

/// Looks at all groups below, in the transaction: two changes that make a cycle only together do not both commit.
async fn check_cycles(ctx: &mut Ctx, own: &str, groups: &[String]) -> Result<()> {
    let (mut seen, mut open) = (BTreeSet::new(), groups.to_vec());
    while let Some(id) = open.pop() {
        if id == own {
            return Err(Error::invalid("cyclic relationship detected for member group ID"));
        }
        if !seen.insert(id.clone()) {
            continue;
        }
        if seen.len() > MEMBER_GROUPS_MAX {
            return Err(Error::invalid("a group can have at most 500 groups below it"));
        }
        if let Some(below) = group(&mut ctx.txn, &id).await? {
            open.extend(below.groups);
        }
    }
    Ok(())
}

async fn read(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let found = group(&mut ctx.txn, &input.id).await?.ok_or(Error::NotFound)?;
    answer(ctx, &found).await
}

async fn read_named(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let name = GroupName::parse(&input.name).map_err(|_| Error::NotFound)?;
    let found = group_by_name(&mut ctx.txn, &name).await?.ok_or(Error::NotFound)?;
    answer(ctx, &found).await
}

pub async fn answer(ctx: &Ctx, group: &Group) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let mounts = mounts(ctx).await?;
    let members = match &group.alias {
        Some(alias) => names_below(ctx, &members_of(&group.id, alias.stamp)).await?,
        None => group.members.clone(),
    };
    let around = call.core.identities.groups.look(|table| shown::Around {
        members,
        children: group.groups.iter().filter(|id| table.get(id).is_some()).cloned().collect(),
        parents: table.parents(&group.id).cloned().collect(),
    });
    Output::data(&shown::group(group, &around.await?, &mounts))
}

async fn names_below(ctx: &Ctx, prefix: &strongroom_engine::Key) -> Result<Vec<String>> {
    Ok(entries(ctx, prefix, &Page::default()).await?.into_iter().map(|(name, _)| name).collect())
}

async fn delete(ctx: &mut Ctx, input: ById) -> Result<Output> {
    if !is_id(&input.id) {
        return Ok(Output::nothing());
    }
    let found = match group(&mut ctx.txn, &input.id).await {
        Err(Error::Internal(_) | Error::Barrier(strongroom_barrier::Error::Corrupt { .. })) => {
            // Its record can't be read, and nobody with an entity is let in until it is gone.
            ctx.delete(group_key(&input.id));
            None
        }
        other => other?,
    };
    end(ctx, found)
}

async fn delete_named(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let found = match GroupName::parse(&input.name) {
        Ok(name) => group_by_name(&mut ctx.txn, &name).await?,
        Err(_) => None,
    };
    end(ctx, found)
}

fn end(ctx: &mut Ctx, found: Option<Group>) -> Result<Output> {
    let Some(group) = found else { return Ok(Output::nothing()) };
    ctx.delete(group_key(&group.id));
    if let Ok(name) = GroupName::parse(&group.name) {
        ctx.delete(group_name_key(&name));
    }
    if let Some(alias) = &group.alias {
        unindex_group_alias(&mut ctx.txn, alias)?;
        ctx.put(gone_members_key(&group.id), Vec::new());
    }
    Ok(Output::nothing())
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let mut stamps = Vec::new();
    let look = |table: &crate::identity::table::Table| {
        let groups = table.all().filter(|g| g.id.as_str() > page.after()).take(page.limit());
        let shown: Map<_, _> = groups
            .map(|g| {
                stamps.extend(g.alias.as_ref().map(|alias| (g.id.clone(), alias.stamp)));
                let (members, parents) = (g.members.len(), table.parents(&g.id).count());
                (g.id.clone(), json!({ "name": g.name, "num_member_entities": members, "num_parent_groups": parents }))
            })
            .collect();
        shown
    };
    let mut key_info = call.core.identities.groups.look(look).await?;
    for (id, stamp) in stamps {
        let members = names_below(ctx, &members_of(&id, stamp)).await?.len();
        if let Some(info) = key_info.get_mut(&id).and_then(|info| info.as_object_mut()) {
            info.insert("num_member_entities".into(), json!(members));
        }
    }
    listed(key_info)
}

async fn list_names(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let names = entries(ctx, &group_names(), &page).await?;
    Output::keys(names.iter().filter_map(|(_, bytes)| Some(serde_json::from_slice::<Named>(bytes).ok()?.name)).collect())
}
