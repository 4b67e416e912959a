//! `identity/entity/merge`: several entities become one. Aliases and memberships move, policies and metadata do not; the old
//! ids lead to the remaining entity, for tokens that carry them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom_barrier::{Intent, Txn};
use strongroom_engine::{Body, Ctx, Error, Field, Flag, Input, Key, List, Output, Result, Route, Text, Verb, field, route};
use strongroom_types::{EntityName, Timestamp, uuid_v4};

use super::mounts;
use crate::identity::Identities;
use crate::identity::leftovers::unfinished;
use crate::identity::record::{
    ALIASES_MAX, Alias, Entity, MERGED_MAX, Vouched, entity_key, entity_name_key, is_id, merged_key, save,
};
use crate::identity::store::{entity, index_alias, leave, move_memberships, put_entity, unindex_alias};
use crate::mount::Table as MountTable;
use crate::{Core, SystemCall};

pub fn routes() -> Vec<Route> {
    vec![route(Verb::Write, "entity/merge", "Makes one entity out of several.", merge)]
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Merge {
    to_entity_id: Text,
    from_entity_ids: List,
    conflicting_alias_ids_to_keep: List,
    #[serde(rename = "force")]
    _force: Flag,
}

impl Input for Merge {
    const FIELDS: &'static [Field] = &[
        field::<Text>("to_entity_id", "Id of the entity that remains.").clear(),
        field::<List>("from_entity_ids", "Ids of the entities that become part of it.").clear(),
        field::<List>("conflicting_alias_ids_to_keep", "Of two aliases in one mount, the id of the one that stays.").clear(),
        field::<Flag>("force", "Accepted.").clear(),
    ];
}

/// Entities merged by one request.
const FROM_MAX: usize = 1_000;
const TRIES_MAX: u32 = 16;

/// A merge that is more than one batch, until it is done: each step is one, and a crash delays the rest.
#[derive(Serialize, Deserialize)]
struct Merging {
    to: String,
    from: Vec<String>,
    keep: Vec<String>,
}

fn intent(id: &str) -> Key {
    Key::area("i").id("merge").name(id)
}

/// All of it is in the request's own transaction where that is one batch. Else the whole is tried first, so that nothing is
/// begun that would be refused later, and an intent makes sure that it comes to its end.
async fn merge(ctx: &mut Ctx, input: Merge) -> Result<Output> {
    let to = input.to_entity_id.0.as_str();
    if to.is_empty() {
        return Err(Error::invalid("missing entity id to merge to"));
    }
    let from: BTreeSet<&str> = input.from_entity_ids.0.iter().map(String::as_str).filter(|id| !id.is_empty()).collect();
    if from.is_empty() {
        return Err(Error::invalid("missing entity ids to merge from"));
    }
    if from.contains(to) {
        return Err(Error::invalid("to_entity_id should not be present in from_entity_ids"));
    }
    if from.len() > FROM_MAX {
        return Err(Error::invalid("from_entity_ids must have at most 1000 ids"));
    }
    let call = SystemCall::of(ctx)?;
    let keep = input.conflicting_alias_ids_to_keep.0.as_slice();
    let step = Step { identities: &call.core.identities, mounts: &*mounts(ctx).await?, keep, now: ctx.now };
    let open = unmerged(ctx, to, &from).await?;
    if open.is_empty() {
        return Err(Error::invalid("entity id to merge from is invalid"));
    }
    let mut whole = call.core.view.txn(Intent::Write);
    for id in &open {
        step.run(&mut whole, to, id).await?;
    }
    if ctx.txn.absorb(whole).is_ok() {
        return Ok(Output::nothing());
    }
    let merging = Merging { to: to.to_owned(), from: open.into_iter().map(str::to_owned).collect(), keep: keep.to_vec() };
    let id = uuid_v4(ctx.rng.as_ref());
    let mut txn = call.core.view.txn(Intent::Write);
    save(&mut txn, intent(&id), &merging)?;
    txn.commit().await?;
    step.run_all(&call.core, &merging, &id).await?;
    Ok(Output::nothing())
}

/// Goes on with merges that a crash or an outage interrupted.
pub async fn finish(core: &Core) -> Result<()> {
    let mounts = Arc::clone(&*core.mounts.current().await?);
    for (id, merging) in unfinished::<Merging>(core, &intent("")).await? {
        let step = Step { identities: &core.identities, mounts: &mounts, keep: &merging.keep, now: core.clock.now() };
        if let Err(refused) = step.run_all(core, &merging, &id).await {
            tracing::warn!(intent = id, "a merge of entities could not be finished now: {refused}");
        }
    }
    Ok(())
}

/// Those of the ids that are still entities. What an earlier try of this request merged is passed over.
async fn unmerged<'i>(ctx: &mut Ctx, to: &str, from: &BTreeSet<&'i str>) -> Result<Vec<&'i str>> {
    let view = ctx.txn.view().clone();
    if !is_id(to) || view.get(entity_key(to).as_bytes()).await?.is_none() {
        return Err(Error::invalid("entity id to merge to is invalid"));
    }
    let mut open = Vec::new();
    for id in from {
        if !is_id(id) {
            return Err(Error::invalid("entity id to merge from is invalid"));
        }
        if view.get(entity_key(id).as_bytes()).await?.is_some() {
            open.push(*id);
        } else if view.get(merged_key(id).as_bytes()).await?.is_none_or(|place| place.value() != to.as_bytes()) {
            return Err(Error::invalid("entity id to merge from is invalid"));
        }
    }
    Ok(open)
}

struct Step<'s> {
    identities: &'s Identities,
    mounts: &'s MountTable,
    keep: &'s [String],
    now: Timestamp,
}

impl Step<'_> {
    /// One batch for each entity, then the intent goes. What was merged already is passed over; what can no longer be merged,
    /// because somebody changed it since, stays as it is. Errors: the first of those.
    async fn run_all(&self, core: &Core, merging: &Merging, id: &str) -> Result<()> {
        let mut refusal = Ok(());
        for from in &merging.from {
            match self.run_one(core, &merging.to, from).await {
                Err(refused @ (Error::Invalid(_) | Error::With(..))) => refusal = refusal.and(Err(refused)),
                other => other?,
            }
        }
        let mut txn = core.view.txn(Intent::Write);
        txn.delete(intent(id).into_bytes());
        txn.commit().await?;
        refusal
    }

    async fn run_one(&self, core: &Core, to: &str, from: &str) -> Result<()> {
        let mut tries = 0u32;
        loop {
            let mut txn = core.view.txn(Intent::Write);
            if entity(&mut txn, from).await?.is_none() {
                return Ok(());
            }
            self.run(&mut txn, to, from).await?;
            match txn.commit().await {
                Err(strongroom_barrier::Error::Conflict) if tries < TRIES_MAX => tries = tries.saturating_add(1),
                other => return Ok(other.map(drop)?),
            }
        }
    }

    /// Merges one entity. A login of either side meanwhile makes one of the two start again, and it finds the result.
    async fn run(&self, txn: &mut Txn, to: &str, from: &str) -> Result<()> {
        let mut to = entity(txn, to).await?.ok_or_else(|| Error::invalid("entity id to merge to is invalid"))?;
        let from = entity(txn, from).await?.ok_or_else(|| Error::invalid("entity id to merge from is invalid"))?;
        self.check_conflicts(&to, &from)?;
        let mut vouched: Vec<Vouched> = from.vouched().cloned().collect();
        for alias in &from.aliases {
            vouched.extend(self.move_alias(txn, &mut to, &from, alias)?);
        }
        if to.aliases.len() > ALIASES_MAX {
            return Err(Error::invalid("an entity can have at most 32 aliases"));
        }
        move_memberships(txn, self.identities, &from.id, &to.id, self.now).await?;
        if !vouched.is_empty() {
            // Lists only: the records of this batch already say who is in which group.
            leave(txn, &from.id, vouched.clone(), Vec::new()).await?;
            leave(txn, &to.id, vouched, Vec::new()).await?;
        }
        self.end(txn, &mut to, &from)?;
        to.updated = self.now;
        put_entity(txn, &to)
    }

    /// Which of two aliases of one mount stays; None when the request does not say.
    fn loser<'a>(&self, of_to: &'a Alias, of_from: &'a Alias) -> Option<&'a Alias> {
        match (self.keep.contains(&of_to.id), self.keep.contains(&of_from.id)) {
            (true, false) => Some(of_from),
            (false, true) => Some(of_to),
            _ => None,
        }
    }

    fn check_conflicts(&self, to: &Entity, from: &Entity) -> Result<()> {
        let pairs = from.aliases.iter().filter_map(|alias| Some((to.alias_of(&alias.accessor)?, alias)));
        let open: Vec<(&Alias, &Alias)> = pairs.filter(|(a, b)| self.loser(a, b).is_none()).collect();
        if open.is_empty() {
            return Ok(());
        }
        let shown = |alias: &Alias, entity: &Entity| {
            let mount = self.mounts.by_accessor(&alias.accessor);
            json!({
                "alias": alias.name, "entity": entity.name, "entity_id": entity.id,
                "mount": mount.map(|m| m.entry.engine.as_str()), "mount_path": mount.map(|m| m.entry.path.as_str()),
            })
        };
        let data: Vec<Value> = open.iter().flat_map(|(a, b)| [shown(a, to), shown(b, from)]).collect();
        let text = "both entities have aliases with the same mount accessor: name in 'conflicting_alias_ids_to_keep' the id \
                    of the alias that stays";
        let body = serde_json::to_vec(&json!({ "errors": [text], "data": data }));
        let body = body.map_err(|e| Error::Internal(format!("encoding an answer: {e}")))?;
        Err(Error::With(400, Box::new(Output { body: Body::Whole(body), ..Output::default() })))
    }

    /// Gives the memberships that the remaining entity loses.
    fn move_alias(&self, txn: &mut Txn, to: &mut Entity, from: &Entity, alias: &Alias) -> Result<Vec<Vouched>> {
        let mut lost = Vec::new();
        if let Some(at) = to.aliases.iter().position(|a| a.accessor == alias.accessor) {
            if to.aliases.get(at).and_then(|a| self.loser(a, alias)).is_none_or(|loser| loser.id == alias.id) {
                unindex_alias(txn, alias)?;
                return Ok(lost);
            }
            let old = to.aliases.remove(at);
            unindex_alias(txn, &old)?;
            lost = old.groups;
        }
        let mut moved = alias.clone();
        moved.merged_from.push(from.id.clone());
        moved.updated = self.now;
        index_alias(txn, &to.id, &moved)?;
        to.aliases.push(moved);
        Ok(lost)
    }

    /// The old id leads to the remaining entity from now on.
    fn end(&self, txn: &mut Txn, to: &mut Entity, from: &Entity) -> Result<()> {
        txn.delete(entity_key(&from.id).into_bytes());
        if let Ok(name) = EntityName::parse(&from.name) {
            txn.delete(entity_name_key(&name).into_bytes());
        }
        txn.put(merged_key(&from.id).into_bytes(), to.id.as_bytes().to_vec());
        to.merged.push(from.id.clone());
        to.merged.extend(from.merged.iter().cloned());
        if to.merged.len() > MERGED_MAX {
            return Err(Error::invalid("an entity can be merged from at most 64 others"));
        }
        Ok(())
    }
}
