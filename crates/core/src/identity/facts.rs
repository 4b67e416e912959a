//! What an entity means for a token: policies, groups, names. Made once for each entity and shared by its tokens, until
//! its record, a group or an auth mount changes on any node; then the next request sees it anew (CVE-2020-10660).

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_barrier::View;
use strongroom_engine::{Error, Result};

use super::record::{Entity, Group, GroupKind, decode, entity_key, merged_key};
use super::table::{Groups, Table};
use crate::acl;
use crate::mount::{self, Mounts};

/// Entities whose facts are kept ready, by shard.
const SHARDS: usize = 64;
const FACTS_PER_SHARD_MAX: usize = 512;
/// Merges in a row that lead from an old id to the entity.
const MERGES_MAX: usize = 1_000;

/// An entity with all that follows from it. Immutable but for the flag that ends it.
pub struct EntityFacts {
    pub entity: Entity,
    /// Of the entity and of all its groups: sorted, each once.
    pub policies: Vec<String>,
    /// Ids of the groups that name it, and of the groups that those are part of.
    pub direct: Vec<String>,
    pub inherited: Vec<String>,
    /// All of these groups.
    pub groups: Vec<Arc<Group>>,
    /// Unlike that of any other facts: what is derived from these is kept under it.
    pub number: u64,
    /// Of the groups, read before they were.
    epoch: u64,
    is_stale: AtomicBool,
}

#[derive(Default)]
struct Shard {
    facts: HashMap<String, Arc<EntityFacts>>,
    /// Counts changes: closes the race between filling and a change.
    changes: u64,
}

impl Shard {
    /// SECURITY: whoever leaves the map is told to no one any more, so it must not be trusted any more either.
    fn end(&mut self, id: &str) {
        if let Some(facts) = self.facts.remove(id) {
            facts.is_stale.store(true, Ordering::Release);
        }
    }
}

pub struct Identities {
    view: View,
    mounts: Arc<Mounts>,
    pub groups: Groups,
    shards: [Mutex<Shard>; SHARDS],
    numbers: AtomicU64,
}

impl Identities {
    pub fn new(view: View, mounts: Arc<Mounts>) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { groups: Groups::new(view.clone()), view, mounts, shards, numbers: AtomicU64::new(1) }
    }

    /// Whether nothing changed since the facts were made: two loads.
    pub fn is_current(&self, facts: &EntityFacts) -> bool {
        !facts.is_stale.load(Ordering::Acquire) && facts.epoch == self.groups.epoch()
    }

    /// The facts behind an id; the id of a merged entity leads to the one it is part of. None when there is none.
    pub async fn facts(&self, id: &str) -> Result<Option<Arc<EntityFacts>>> {
        let mut id = id.to_owned();
        for _ in 0..MERGES_MAX {
            if let Some(facts) = self.own_facts(&id).await? {
                return Ok(Some(facts));
            }
            let Some(next) = self.view.get(merged_key(&id).as_bytes()).await? else { return Ok(None) };
            id = String::from_utf8_lossy(next.value()).into_owned();
        }
        Ok(None)
    }

    async fn own_facts(&self, id: &str) -> Result<Option<Arc<EntityFacts>>> {
        let seen = {
            let shard = self.shard(id.as_bytes())?;
            if let Some(facts) = shard.facts.get(id).filter(|f| self.is_current(f)) {
                return Ok(Some(facts.clone()));
            }
            shard.changes
        };
        let Some(found) = self.view.get(entity_key(id).as_bytes()).await? else { return Ok(None) };
        let entity = decode(found.value())?;
        let facts = Arc::new(self.derive(entity).await?);
        let mut shard = self.shard(id.as_bytes())?;
        // INVARIANT: a change counts up under this lock before it ends facts, so no older facts are put in after it.
        if shard.changes == seen {
            if shard.facts.len() >= FACTS_PER_SHARD_MAX
                && let Some(any) = shard.facts.keys().next().cloned()
            {
                shard.end(&any);
            }
            shard.end(id);
            shard.facts.insert(id.to_owned(), facts.clone());
        } else {
            facts.is_stale.store(true, Ordering::Release);
        }
        Ok(Some(facts))
    }

    /// What follows from a record, which may be one that is not committed yet. The result is not kept here.
    pub async fn derive(&self, entity: Entity) -> Result<EntityFacts> {
        let epoch = self.groups.epoch();
        let mounts = self.mounts.current().await?.clone();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.groups.look(move |table| derived(entity, table, &mounts, epoch, number)).await
    }

    fn shard(&self, id: &[u8]) -> Result<std::sync::MutexGuard<'_, Shard>> {
        let sum = id.iter().fold(0usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(*b)));
        let shard = self.shards.get(sum % SHARDS).ok_or_else(|| Error::Internal("no shard".into()))?;
        Ok(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An entry of the identity area changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self, key: &[u8]) {
        match key.split_first_chunk::<2>() {
            Some((b"e/", id)) => self.entity_changed(id),
            Some((b"g/", id)) => self.groups.changed(&String::from_utf8_lossy(id)),
            _ => {}
        }
    }

    fn entity_changed(&self, id: &[u8]) {
        let Ok(mut shard) = self.shard(id) else { return };
        shard.changes = shard.changes.wrapping_add(1);
        if let Ok(id) = std::str::from_utf8(id) {
            shard.end(id);
        }
    }

    /// An auth mount came, went or changed: aliases resolve while their mount is there.
    pub fn auth_mounts_changed(&self) {
        self.groups.moved();
    }

    /// Changes were missed: nothing kept may be trusted.
    pub fn lost(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.changes = shard.changes.wrapping_add(1);
            let ids: Vec<_> = shard.facts.keys().cloned().collect();
            ids.iter().for_each(|id| shard.end(id));
        }
        self.groups.lost();
    }
}

fn derived(mut entity: Entity, table: &Table, mounts: &mount::Table, epoch: u64, number: u64) -> EntityFacts {
    // An alias of a mount that is gone names nobody; its record is cleaned in the background.
    entity.aliases.retain(|alias| mounts.by_accessor(&alias.accessor).is_some());
    let direct: BTreeSet<String> = table.of_entity(&entity.id).cloned().chain(external(&entity, table)).collect();
    let (mut all, mut open) = (direct.clone(), direct.iter().cloned().collect::<Vec<_>>());
    while let Some(id) = open.pop() {
        open.extend(table.parents(&id).filter(|parent| all.insert((*parent).clone())).cloned());
    }
    let groups: Vec<Arc<Group>> = all.iter().filter_map(|id| table.get(id).cloned()).collect();
    let policies = entity.policies.iter().chain(groups.iter().flat_map(|g| &g.policies));
    // SECURITY: root is refused when it is written, and would be a mere name here; it is left out all the same.
    let policies: BTreeSet<String> = policies.filter(|name| *name != acl::ROOT).cloned().collect();
    EntityFacts {
        policies: policies.into_iter().collect(),
        inherited: all.difference(&direct).cloned().collect(),
        direct: direct.into_iter().collect(),
        entity,
        groups,
        number,
        epoch,
        is_stale: AtomicBool::new(false),
    }
}

/// External groups that count: those whose alias is still the one that the mount vouched for.
fn external(entity: &Entity, table: &Table) -> impl Iterator<Item = String> {
    entity.aliases.iter().flat_map(|alias| alias.groups.iter().map(move |v| (alias, v))).filter_map(|(alias, vouched)| {
        let group = table.get(&vouched.group).filter(|g| g.kind == GroupKind::External)?;
        let holds = group.alias.as_ref().is_some_and(|a| a.accessor == alias.accessor && a.stamp == vouched.stamp);
        holds.then(|| vouched.group.clone())
    })
}
