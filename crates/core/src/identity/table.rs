//! All groups in memory, changed entry by entry: who is in which group, and which group is part of which. The groups'
//! records in the store decide; a change on any node makes the next look load that group anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use strongroom_barrier::View;
use strongroom_engine::{Error, Result};
use strongroom_types::AliasName;

use super::record::{Group, Vouched, group_key};

/// The groups and the ways between them.
#[derive(Default)]
pub struct Table {
    by_id: BTreeMap<String, Arc<Group>>,
    /// From an entity to the internal groups that name it.
    of_entity: HashMap<String, BTreeSet<String>>,
    /// From a group to the groups that name it.
    parents: HashMap<String, BTreeSet<String>>,
    /// From a mount and the folded name of an alias to the external group.
    external: HashMap<(String, String), String>,
    /// Records that can't be read. Nobody knows who is in them or what they deny.
    damaged: BTreeSet<String>,
}

impl Table {
    pub fn get(&self, id: &str) -> Option<&Arc<Group>> {
        self.by_id.get(id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.by_id.values()
    }

    /// Ids of the internal groups that name an entity.
    pub fn of_entity(&self, id: &str) -> impl Iterator<Item = &String> {
        self.of_entity.get(id).into_iter().flatten()
    }

    /// Ids of the groups that a group is directly part of.
    pub fn parents(&self, id: &str) -> impl Iterator<Item = &String> {
        self.parents.get(id).into_iter().flatten()
    }

    /// The external groups behind what an auth mount calls its groups: sorted, each once.
    pub fn vouched(&self, accessor: &str, names: &[String]) -> Vec<Vouched> {
        let groups = names.iter().filter_map(|name| {
            let name = AliasName::parse(name).ok()?;
            let group = self.by_id.get(self.external.get(&(accessor.to_owned(), name.folded().to_owned()))?)?;
            Some(Vouched { group: group.id.clone(), stamp: group.alias.as_ref()?.stamp })
        });
        let unique: BTreeSet<Vouched> = groups.collect();
        unique.into_iter().collect()
    }

    fn set(&mut self, id: &str, loaded: Loaded) {
        self.damaged.remove(id);
        if let Some(old) = self.by_id.remove(id) {
            self.unlink(&old);
        }
        match loaded {
            Loaded::Absent => {}
            Loaded::Damaged => drop(self.damaged.insert(id.to_owned())),
            Loaded::Group(group) => {
                self.link(&group);
                self.by_id.insert(id.to_owned(), group);
            }
        }
    }

    fn link(&mut self, group: &Group) {
        for member in &group.members {
            self.of_entity.entry(member.clone()).or_default().insert(group.id.clone());
        }
        for child in &group.groups {
            self.parents.entry(child.clone()).or_default().insert(group.id.clone());
        }
        if let Some(place) = place(group) {
            self.external.insert(place, group.id.clone());
        }
    }

    fn unlink(&mut self, group: &Group) {
        for (map, keys) in [(&mut self.of_entity, &group.members), (&mut self.parents, &group.groups)] {
            for key in keys {
                if let Some(groups) = map.get_mut(key) {
                    groups.remove(&group.id);
                    if groups.is_empty() {
                        map.remove(key);
                    }
                }
            }
        }
        // Another group may have taken the name since.
        if let Some(place) = place(group).filter(|p| self.external.get(p) == Some(&group.id)) {
            self.external.remove(&place);
        }
    }
}

fn place(group: &Group) -> Option<(String, String)> {
    let alias = group.alias.as_ref()?;
    Some((alias.accessor.clone(), AliasName::parse(&alias.name).ok()?.folded().to_owned()))
}

enum Loaded {
    Absent,
    Damaged,
    Group(Arc<Group>),
}

impl Loaded {
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).map_or(Self::Damaged, |group| Self::Group(Arc::new(group)))
    }
}

/// What must be loaded before the table is true again, each with the epoch at which it changed.
struct Pending {
    groups: HashMap<String, u64>,
    all: Option<u64>,
}

pub struct Groups {
    view: View,
    table: RwLock<Table>,
    /// Counts changes of groups, and of whatever else every entity's rights hang on.
    epoch: AtomicU64,
    loaded: AtomicU64,
    pending: Mutex<Pending>,
    loading: tokio::sync::Mutex<()>,
}

impl Groups {
    pub fn new(view: View) -> Self {
        Self {
            view,
            table: RwLock::default(),
            epoch: AtomicU64::new(1),
            loaded: AtomicU64::new(0),
            pending: Mutex::new(Pending { groups: HashMap::new(), all: Some(1) }),
            loading: tokio::sync::Mutex::new(()),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Looks at the groups as of the newest change that this node knows of.
    /// Errors: `Internal` while the record of a group is damaged: what it denies is not known, so nothing is judged by it.
    pub async fn look<R>(&self, look: impl FnOnce(&Table) -> R) -> Result<R> {
        self.refresh().await?;
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        match table.damaged.first() {
            Some(id) => {
                Err(Error::Internal(format!("the record of group `{id}` is damaged; delete the group with a root token")))
            }
            None => Ok(look(&table)),
        }
    }

    async fn refresh(&self) -> Result<()> {
        let wanted = self.epoch();
        if self.loaded.load(Ordering::Acquire) >= wanted {
            return Ok(());
        }
        let _one_at_a_time = self.loading.lock().await;
        if self.loaded.load(Ordering::Acquire) >= wanted {
            return Ok(());
        }
        let (epoch, ids, all) = {
            let pending = self.pending();
            (self.epoch(), pending.groups.keys().cloned().collect::<Vec<_>>(), pending.all.is_some())
        };
        if all {
            let table = self.load_all().await?;
            *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        } else {
            let mut loaded = Vec::with_capacity(ids.len());
            for id in ids {
                let group = self.load(&id).await?;
                loaded.push((id, group));
            }
            let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
            loaded.into_iter().for_each(|(id, group)| table.set(&id, group));
        }
        // INVARIANT: what changed after `epoch` was read stays pending.
        let mut pending = self.pending();
        pending.groups.retain(|_, at| *at > epoch);
        pending.all = pending.all.filter(|at| *at > epoch);
        self.loaded.store(epoch, Ordering::Release);
        Ok(())
    }

    async fn load(&self, id: &str) -> Result<Loaded> {
        match self.view.get(group_key(id).as_bytes()).await {
            Ok(None) => Ok(Loaded::Absent),
            Ok(Some(found)) => Ok(Loaded::read(found.value())),
            Err(strongroom_barrier::Error::Corrupt { .. }) => Ok(Loaded::Damaged),
            Err(other) => Err(other.into()),
        }
    }

    async fn load_all(&self) -> Result<Table> {
        let (prefix, mut table, mut after) = (group_key(""), Table::default(), None::<bytes::Bytes>);
        loop {
            let page = self.view.scan(prefix.as_bytes(), after.as_deref(), 500).await?;
            let Some((last, _)) = page.last() else { return Ok(table) };
            after = Some(last.clone());
            for (key, found) in &page {
                let Some(id) = key.strip_prefix(prefix.as_bytes()).and_then(|id| std::str::from_utf8(id).ok()) else { continue };
                table.set(id, found.as_ref().map_or(Loaded::Damaged, |entry| Loaded::read(entry.value())));
            }
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group's record changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self, id: &str) {
        let mut pending = self.pending();
        let epoch = self.epoch.fetch_add(1, Ordering::AcqRel).saturating_add(1);
        pending.groups.insert(id.to_owned(), epoch);
    }

    /// Something else changed that every entity's rights hang on.
    pub fn moved(&self) {
        let _pending = self.pending();
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Changes were missed: all must be loaded anew.
    pub fn lost(&self) {
        let mut pending = self.pending();
        pending.all = Some(self.epoch.fetch_add(1, Ordering::AcqRel).saturating_add(1));
    }
}
