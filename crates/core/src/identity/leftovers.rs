//! What a change of identity leaves to the background: nothing in it decides about anybody's rights. Each piece of work is
//! named by an intent in the store, done in bounded batches, and harmless to do twice.

use serde::{Deserialize, Serialize};
use strongroom_barrier::Intent;
use strongroom_engine::{Key, Result};

use super::api;
use super::record::{
    Entity, Group, Vouched, aliases_of, all_members_of, entity_key, group_aliases_of, group_key, id_at, load, merged_key, save,
};
use super::store::{list_member, list_members, put_entity, replace_in_groups, touch, unindex_alias, unindex_group_alias};
use crate::{Core, token};

/// Operations of one batch.
const BATCH: usize = 60;
/// Intents of larger changes looked at in one turn.
const INTENTS_MAX: usize = 100;
/// Entries worked off in one turn, so that a large clean-up does not starve requests.
const TURN: usize = 2_000;

/// Of one entity: lists of external groups that may name it wrongly and, when it is gone, ids that led to it.
#[derive(Serialize, Deserialize, Default)]
pub struct Leftovers {
    pub external: Vec<Vouched>,
    pub merged: Vec<String>,
}

pub fn leftovers_key(entity: &str) -> Key {
    Key::area("i").id("entity").name(entity)
}

/// An auth mount that is gone: its aliases go too.
pub fn gone_mount_key(accessor: &str) -> Key {
    Key::area("i").id("aliases").name(accessor)
}

/// An external group, or one of its stamps (`GROUP/STAMP`), whose list of members is out of date.
pub fn gone_members_key(below: &str) -> Key {
    Key::area("i").id("members").name(below)
}

/// One turn.
pub async fn run(core: &Core) -> Result<()> {
    api::finish(core).await?;
    for id in named(core, &leftovers_key("")).await? {
        finish_entity(core, &id).await?;
    }
    for below in named(core, &gone_members_key("")).await? {
        token::wipe(&core.view, &all_members_of(&below)).await?;
        forget(core, &gone_members_key(&below)).await?;
    }
    for accessor in named(core, &gone_mount_key("")).await? {
        if clean_mount(core, &accessor).await? {
            forget(core, &gone_mount_key(&accessor)).await?;
            tracing::info!(accessor, "aliases of a disabled auth method deleted");
        }
    }
    Ok(())
}

/// Intents of larger changes: names and what they say. There are few: each is of a request that was interrupted.
pub async fn unfinished<T: serde::de::DeserializeOwned>(core: &Core, prefix: &Key) -> Result<Vec<(String, T)>> {
    let mut all = Vec::new();
    for (key, entry) in core.view.scan(prefix.as_bytes(), None, INTENTS_MAX).await? {
        let name = key.strip_prefix(prefix.as_bytes()).and_then(|name| std::str::from_utf8(name).ok());
        match (name, entry.ok().and_then(|e| serde_json::from_slice(e.value()).ok())) {
            (Some(name), Some(intent)) => all.push((name.to_owned(), intent)),
            _ => tracing::error!(key = %key.escape_ascii(), "the intent of a change of identity is damaged"),
        }
    }
    Ok(all)
}

/// What follows the prefix in the first few intents.
async fn named(core: &Core, prefix: &Key) -> Result<Vec<String>> {
    let found = core.view.scan(prefix.as_bytes(), None, 16).await?;
    let names = found.iter().filter_map(|(key, _)| key.strip_prefix(prefix.as_bytes()));
    Ok(names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect())
}

async fn forget(core: &Core, key: &Key) -> Result<()> {
    let mut txn = core.view.txn(Intent::Write);
    txn.delete(key.clone().into_bytes());
    txn.commit().await?;
    Ok(())
}

/// Works on one entity's leftovers until they are done or somebody else changes it: the next turn goes on then.
async fn finish_entity(core: &Core, id: &str) -> Result<()> {
    loop {
        let mut txn = core.view.txn(Intent::Write);
        let Some(mut left) = load::<Leftovers>(&mut txn, &leftovers_key(id)).await? else { return Ok(()) };
        let entity: Option<Entity> = load(&mut txn, &entity_key(id)).await?;
        let some = left.external.len().min(BATCH);
        for vouched in left.external.drain(..some) {
            let is_member = entity.as_ref().is_some_and(|e| e.vouched().any(|v| *v == vouched));
            list_member(&mut txn, id, &vouched, is_member);
        }
        if entity.is_none() && some == 0 {
            let some = left.merged.len().min(BATCH);
            left.merged.drain(..some).for_each(|old| txn.delete(merged_key(&old).into_bytes()));
        }
        // One at a time: the record of a group may be large.
        let group = core.identities.groups.look(|table| table.of_entity(id).next().cloned()).await?;
        let group = group.filter(|_| entity.is_none());
        if let Some(group) = &group {
            replace_in_groups(&mut txn, std::slice::from_ref(group), id, None, core.clock.now()).await?;
        }
        let is_done = left.external.is_empty() && (entity.is_some() || left.merged.is_empty()) && group.is_none();
        if is_done {
            txn.delete(leftovers_key(id).into_bytes())
        } else {
            save(&mut txn, leftovers_key(id), &left)?
        }
        match txn.commit().await {
            Err(strongroom_barrier::Error::Conflict) => return Ok(()),
            other => drop(other?),
        }
        if is_done {
            return Ok(());
        }
    }
}

/// Takes the aliases of a mount out of entities and groups. True when none is left.
async fn clean_mount(core: &Core, accessor: &str) -> Result<bool> {
    for (prefix, is_group) in [(aliases_of(accessor), false), (group_aliases_of(accessor), true)] {
        let page = core.view.scan(prefix.as_bytes(), None, TURN).await?;
        for (key, _) in &page {
            clean_alias(core, accessor, key, is_group).await?;
        }
        if page.len() == TURN {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn clean_alias(core: &Core, accessor: &str, index: &bytes::Bytes, is_group: bool) -> Result<()> {
    let mut txn = core.view.txn(Intent::Write);
    let holder = id_at(&mut txn, index).await?;
    txn.delete(index.clone());
    match holder {
        Some(id) if is_group => {
            if let Some(mut group) = load::<Group>(&mut txn, &group_key(&id)).await?
                && let Some(alias) = group.alias.take_if(|a| a.accessor == accessor)
            {
                unindex_group_alias(&mut txn, &alias)?;
                txn.put(gone_members_key(&format!("{id}/{}", alias.stamp)).into_bytes(), Vec::new());
                touch(&mut group, core.clock.now());
                save(&mut txn, group_key(&id), &group)?;
            }
        }
        Some(id) => {
            if let Some(mut entity) = load::<Entity>(&mut txn, &entity_key(&id)).await?
                && let Some(at) = entity.aliases.iter().position(|a| a.accessor == accessor)
            {
                let alias = entity.aliases.remove(at);
                unindex_alias(&mut txn, &alias)?;
                list_members(&mut txn, &id, &alias.groups, &[]).await?;
                put_entity(&mut txn, &entity)?;
            }
        }
        None => {}
    }
    match txn.commit().await {
        Err(strongroom_barrier::Error::Conflict) => Ok(()),
        other => {
            other?;
            Ok(())
        }
    }
}
