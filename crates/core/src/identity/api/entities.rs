//! `identity/entity`: people and workloads.

use serde::Deserialize;
use serde_json::{Map, json};
use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{
    Ctx, Error, Field, Flag, Input, Key, List, Output, Present, Result, Route, StringMap, Text, Verb, field, route,
};
use strongroom_types::{EntityName, uuid_v4};

use super::{ById, ByName, Page, entries, given, listed, mounts, not_of_this_name, shown};
use crate::identity::leftovers::unfinished;
use crate::identity::record::{Entity, Named, entity_key, entity_names, save};
use crate::identity::store::{
    check_metadata, cost_of_deletion, delete_entity, entity, entity_by_name, made_up, name_entity, new_entity, policies,
    put_entity,
};
use crate::{Core, SystemCall};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "entity", "Makes an entity, or changes the one of that id or name.", write),
        route(Verb::Write, "entity/id/{id}", "Changes an entity; what is left out stays.", write),
        route(Verb::Write, "entity/name/{name..}", "Makes or changes the entity of that name.", write_named).folds(folded),
        route(Verb::Read, "entity/id/{id}", "Shows an entity.", read),
        route(Verb::Read, "entity/name/{name..}", "Shows the entity of that name.", read_named).folds(folded),
        route(Verb::Delete, "entity/id/{id}", "Deletes an entity: its tokens are refused from now on.", delete),
        route(Verb::Delete, "entity/name/{name..}", "Deletes the entity of that name.", delete_named).folds(folded),
        route(Verb::List, "entity/id/", "Lists the ids of entities.", list),
        route(Verb::List, "entity/name/", "Lists the names of entities.", list_names),
        route(Verb::Write, "entity/batch-delete", "Deletes entities.", batch_delete),
    ]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Write {
    id: Text,
    name: Text,
    policies: Present<List>,
    metadata: Present<StringMap>,
    disabled: Present<Flag>,
}

impl Input for Write {
    const FIELDS: &'static [Field] = &[
        field::<Text>("id", "Id of the entity to change.").clear(),
        field::<Text>("name", "Name, found in any case; made up when left out.").clear(),
        field::<List>("policies", "Policies of all its tokens, beside their own.").clear(),
        field::<StringMap>("metadata", "Texts, for policy templates among others."),
        field::<Flag>("disabled", "Refuses its tokens and logins while it is true.").clear(),
    ];
}

fn folded(name: &str) -> Option<String> {
    EntityName::parse(name).ok().map(|name| name.folded().to_owned())
}

fn name(text: &str) -> Result<EntityName> {
    EntityName::parse(text).map_err(|e| Error::invalid(format!("entity name: {e}")))
}

/// SECURITY (CVE-2026-89322): policy judged the name in the path, so no id may lead to somebody else.
async fn write_named(ctx: &mut Ctx, input: Write) -> Result<Output> {
    if !input.id.0.is_empty() {
        let named = entity_by_name(&mut ctx.txn, &name(&input.name.0)?).await?;
        named.filter(|entity| entity.id == input.id.0).ok_or_else(|| not_of_this_name("entity"))?;
    }
    write(ctx, input).await
}

async fn write(ctx: &mut Ctx, input: Write) -> Result<Output> {
    let wanted = if input.name.0.is_empty() { None } else { Some(name(&input.name.0)?) };
    let found = match (input.id.0.as_str(), &wanted) {
        ("", None) => None,
        ("", Some(name)) => entity_by_name(&mut ctx.txn, name).await?,
        (id, _) => Some(entity(&mut ctx.txn, id).await?.ok_or_else(|| Error::invalid("entity not found from id"))?),
    };
    let is_new = found.is_none();
    let mut entity = found.unwrap_or_else(|| new_entity(ctx.rng.as_ref(), ctx.now));
    let wanted = match wanted {
        None if is_new => Some(name(&made_up("entity", ctx.rng.as_ref()))?),
        wanted => wanted,
    };
    if let Some(name) = wanted.filter(|name| name.shown() != entity.name) {
        name_entity(&mut ctx.txn, &mut entity, &name).await?;
    }
    apply(&mut entity, input.policies, input.metadata, input.disabled)?;
    entity.updated = ctx.now;
    put_entity(&mut ctx.txn, &entity)?;
    if !is_new {
        return Ok(Output::nothing());
    }
    Output::data(&json!({ "aliases": null, "id": entity.id, "name": entity.name }))
}

/// Changes what is given and leaves the rest.
fn apply(to: &mut Entity, given_policies: Present<List>, metadata: Present<StringMap>, disabled: Present<Flag>) -> Result<()> {
    if let Some(list) = given(given_policies) {
        to.policies = policies(&list)?;
    }
    if let Some(StringMap(metadata)) = given(metadata) {
        check_metadata("metadata", &metadata)?;
        to.metadata = metadata;
    }
    if let Present::Is(Flag(disabled)) = disabled {
        to.disabled = disabled;
    }
    Ok(())
}

async fn read(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let found = entity(&mut ctx.txn, &input.id).await?.ok_or(Error::NotFound)?;
    answer(ctx, found).await
}

async fn read_named(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    // What can't be a name is the name of nothing.
    let name = EntityName::parse(&input.name).map_err(|_| Error::NotFound)?;
    let found = entity_by_name(&mut ctx.txn, &name).await?.ok_or(Error::NotFound)?;
    answer(ctx, found).await
}

pub async fn answer(ctx: &Ctx, entity: Entity) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let facts = call.core.identities.derive(entity.clone()).await?;
    let mounts = mounts(ctx).await?;
    Output::data(&shown::entity(&entity, &facts, &mounts))
}

async fn delete(ctx: &mut Ctx, input: ById) -> Result<Output> {
    let found = entity(&mut ctx.txn, &input.id).await?;
    end(ctx, found).await
}

async fn delete_named(ctx: &mut Ctx, input: ByName) -> Result<Output> {
    let found = match EntityName::parse(&input.name) {
        Ok(name) => entity_by_name(&mut ctx.txn, &name).await?,
        Err(_) => None,
    };
    end(ctx, found).await
}

async fn end(ctx: &mut Ctx, found: Option<Entity>) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    if let Some(entity) = found {
        delete_entity(&mut ctx.txn, &call.core.identities, &entity, ctx.now).await?;
    }
    Ok(Output::nothing())
}

async fn list(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let mounts = mounts(ctx).await?;
    let mut key_info = Map::new();
    for (id, bytes) in entries(ctx, &entity_key(""), &page).await? {
        if let Ok(entity) = serde_json::from_slice::<Entity>(&bytes) {
            key_info.insert(id, shown::entity_brief(&entity, &mounts));
        }
    }
    listed(key_info)
}

async fn list_names(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let names = entries(ctx, &entity_names(), &page).await?;
    Output::keys(names.iter().filter_map(|(_, bytes)| Some(serde_json::from_slice::<Named>(bytes).ok()?.name)).collect())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Batch {
    entity_ids: List,
}
impl Input for Batch {
    const FIELDS: &'static [Field] = &[field::<List>("entity_ids", "Ids of the entities to delete.").clear()];
}

/// Operations and looks of one transaction, members of the groups that it rewrites, and tries of it before the caller is
/// told to try again.
const OPERATIONS_MAX: usize = 95;
const LOOKS_MAX: usize = 200;
const REWRITTEN_MAX: usize = 1_000;
const TRIES_MAX: u32 = 16;

/// Ids in one request: an intent holds them all.
const IDS_MAX: usize = 20_000;

fn intent(id: &str) -> Key {
    Key::area("i").id("delete-entities").name(id)
}

/// All of it is in the request's own transaction where that is one batch. Else an intent names them all, and as many at a time
/// go as fit one; a crash delays the rest.
async fn batch_delete(ctx: &mut Ctx, input: Batch) -> Result<Output> {
    if input.entity_ids.0.is_empty() {
        return Err(Error::invalid("missing entity ids to delete"));
    }
    let ids = input.entity_ids.0.as_slice();
    if ids.len() > IDS_MAX {
        return Err(Error::invalid("entity_ids must have at most 20000 ids"));
    }
    let core = SystemCall::of(ctx)?.core.clone();
    let mut some = core.view.txn(Intent::Write);
    if delete_some(&core, &mut some, ids).await?.is_empty() && ctx.txn.absorb(some).is_ok() {
        return Ok(Output::nothing());
    }
    let id = uuid_v4(ctx.rng.as_ref());
    let mut txn = core.view.txn(Intent::Write);
    save(&mut txn, intent(&id), &ids)?;
    txn.commit().await?;
    delete_all(&core, &id, ids).await?;
    Ok(Output::nothing())
}

/// Goes on with deletions that a crash or an outage interrupted.
pub async fn finish(core: &Core) -> Result<()> {
    for (id, ids) in unfinished::<Vec<String>>(core, &intent("")).await? {
        delete_all(core, &id, &ids).await?;
    }
    Ok(())
}

async fn delete_all(core: &Core, id: &str, mut ids: &[String]) -> Result<()> {
    let mut tries = 0u32;
    while !ids.is_empty() {
        let mut txn = core.view.txn(Intent::Write);
        let rest = delete_some(core, &mut txn, ids).await?;
        match txn.commit().await {
            Err(strongroom_barrier::Error::Conflict) if tries < TRIES_MAX => tries = tries.saturating_add(1),
            other => {
                other?;
                (ids, tries) = (rest, 0);
            }
        }
    }
    let mut txn = core.view.txn(Intent::Write);
    txn.delete(intent(id).into_bytes());
    txn.commit().await?;
    Ok(())
}

/// Deletes the first few, as many as fit one batch, and gives the rest. SECURITY: ids that are no entity's are passed over
/// (CVE-2026-14886).
async fn delete_some<'i>(core: &Core, txn: &mut Txn, ids: &'i [String]) -> Result<&'i [String]> {
    let (mut cost, mut rewritten, mut rest) = (0usize, 0usize, ids);
    while let Some((id, after)) = rest.split_first() {
        if rewritten > REWRITTEN_MAX || ids.len().saturating_sub(rest.len()) > LOOKS_MAX {
            break;
        }
        if let Some(entity) = entity(txn, id).await? {
            cost = cost.saturating_add(cost_of_deletion(&entity));
            if cost > OPERATIONS_MAX && txn.has_writes() {
                break;
            }
            let members = delete_entity(txn, &core.identities, &entity, core.clock.now()).await?;
            rewritten = rewritten.saturating_add(members);
        }
        rest = after;
    }
    Ok(rest)
}
