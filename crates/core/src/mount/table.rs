//! The mount table: longest prefix wins. Loaded from the store, never changed in place.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use strongroom_audit::{ClearPaths, MountFragment};
use strongroom_barrier::View;
use strongroom_engine::{Builtin, Engine, EngineKind, Error, Key, MountFacts, Result, Route, TokenType};

use super::entry::MountEntry;
use crate::metrics::{Metrics, MountFigures};

/// A mount with its engine, ready to serve.
pub struct Mount {
    pub entry: MountEntry,
    pub facts: Arc<MountFacts>,
    pub kind: EngineKind,
    pub engine: Arc<dyn Engine>,
    pub routes: Vec<Route>,
    /// For each route, what the audit log may show in clear of requests and of answers.
    pub clear: Vec<Clear>,
    /// The mount's members of a line of the audit log.
    pub fragment: MountFragment,
    /// What its requests are counted in.
    pub figures: Arc<MountFigures>,
}

/// The audit log's allow-lists of one route.
pub struct Clear {
    pub request: ClearPaths,
    pub response: ClearPaths,
}

impl Clear {
    fn of(route: &Route) -> Self {
        let fields = route.fields.iter().filter(|f| f.clear_in_audit).map(|f| f.name);
        Self { request: ClearPaths::forms(fields), response: ClearPaths::new(route.shown.iter().copied()) }
    }
}

impl Mount {
    /// Whether its names can be locked: it has a login by a secret that can be guessed.
    pub fn has_lockout(&self) -> bool {
        self.routes.iter().any(Route::is_login)
    }

    /// Served by the core itself, with its handle.
    pub fn is_system(&self) -> bool {
        matches!(self.facts.engine, "system" | "token" | "identity")
    }
}

pub struct Table {
    epoch: u64,
    by_path: HashMap<String, Arc<Mount>>,
    by_accessor: HashMap<String, Arc<Mount>>,
    by_storage: HashMap<String, Arc<Mount>>,
    /// Bytes of the longest mount path: longer prefixes need no look-up.
    longest: usize,
}

impl Table {
    /// The mount that holds a path, and the rest of the path below it.
    pub fn find<'p>(&self, path: &'p str) -> Option<(&Arc<Mount>, &'p str)> {
        let mut end = path.floor_char_boundary(self.longest);
        while let Some(slash) = path.get(..end)?.rfind('/') {
            let (prefix, rest) = path.split_at_checked(slash.saturating_add(1))?;
            if let Some(mount) = self.by_path.get(prefix) {
                return Some((mount, rest));
            }
            end = slash;
        }
        // The mount's own path without its slash: the engine is asked with an empty rest.
        let (mount, rest) = (self.by_path.get(&format!("{path}/"))?, "");
        Some((mount, rest))
    }

    /// `path` with trailing slash.
    pub fn exact(&self, path: &str) -> Option<&Arc<Mount>> {
        self.by_path.get(path)
    }

    /// A mount by its accessor, wherever it was moved.
    pub fn by_accessor(&self, accessor: &str) -> Option<&Arc<Mount>> {
        self.by_accessor.get(accessor)
    }

    /// The mount with this storage id, wherever it is.
    pub fn by_storage(&self, storage_id: &str) -> Option<&Arc<Mount>> {
        self.by_storage.get(storage_id)
    }

    /// All mounts, sorted by path.
    pub fn sorted(&self) -> Vec<&Arc<Mount>> {
        let mut all: Vec<_> = self.by_path.values().collect();
        all.sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
        all
    }

    /// A mount whose path would shadow or be shadowed by this one.
    pub fn conflict(&self, path: &str) -> Option<&Arc<Mount>> {
        self.find(path).map(|(mount, _)| mount).or_else(|| self.by_path.values().find(|m| m.entry.path.starts_with(path)))
    }
}

pub struct Mounts {
    view: View,
    catalogue: Vec<Builtin>,
    metrics: Arc<Metrics>,
    table: ArcSwap<Table>,
    epoch: AtomicU64,
    loading: tokio::sync::Mutex<()>,
}

impl Mounts {
    pub fn new(view: View, catalogue: Vec<Builtin>, metrics: Arc<Metrics>) -> Self {
        let empty =
            Table { epoch: 0, by_path: HashMap::new(), by_accessor: HashMap::new(), by_storage: HashMap::new(), longest: 0 };
        Self {
            view,
            catalogue,
            metrics,
            table: ArcSwap::from_pointee(empty),
            epoch: AtomicU64::new(1),
            loading: tokio::sync::Mutex::new(()),
        }
    }

    /// The table as of the newest change that this node knows of.
    pub async fn current(&self) -> Result<arc_swap::Guard<Arc<Table>>> {
        let table = self.table.load();
        if table.epoch == self.epoch.load(Ordering::Acquire) {
            return Ok(table);
        }
        let _one_at_a_time = self.loading.lock().await;
        let epoch = self.epoch.load(Ordering::Acquire);
        if self.table.load().epoch != epoch {
            let table = self.load(epoch).await?;
            self.table.store(Arc::new(table));
        }
        Ok(self.table.load())
    }

    async fn load(&self, epoch: u64) -> Result<Table> {
        let prefix = Key::area("m");
        let mut by_path = HashMap::new();
        let mut after: Option<bytes::Bytes> = None;
        loop {
            let page = self.view.scan(prefix.as_bytes(), after.as_deref(), 1000).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, found) in &page {
                let entry = found.as_ref().ok().and_then(|f| serde_json::from_slice::<MountEntry>(f.value()).ok());
                let Some(entry) = entry else {
                    tracing::error!(mount = %key.escape_ascii(), "mount is not served: its record is damaged");
                    continue;
                };
                let path = entry.path.clone();
                match self.ready(entry) {
                    Ok(mount) => drop(by_path.insert(path, Arc::new(mount))),
                    // One mount that this build can't serve must not take the others down.
                    Err(e) => tracing::error!(mount = path, "mount is not served: {e}"),
                }
            }
        }
        self.metrics.keep_mounts(|accessor| by_path.values().any(|m: &Arc<Mount>| m.entry.accessor == accessor));
        let longest = by_path.keys().map(String::len).max().unwrap_or(0);
        let by_accessor = by_path.values().map(|m| (m.entry.accessor.clone(), m.clone())).collect();
        let by_storage = by_path.values().map(|m: &Arc<Mount>| (m.entry.storage_id.clone(), m.clone())).collect();
        Ok(Table { epoch, by_path, by_accessor, by_storage, longest })
    }

    /// Makes a mount ready to serve. Errors: `Invalid` when the catalogue has no such engine or it refuses the options.
    pub fn ready(&self, entry: MountEntry) -> Result<Mount> {
        let builtin = self
            .builtin(&entry.engine)
            .ok_or_else(|| Error::invalid(format!("plugin not found in the catalog: {}", entry.engine)))?;
        let options = entry.options.clone().unwrap_or_default();
        let engine = (builtin.make)(&options)?;
        let facts = MountFacts {
            path: entry.path.clone(),
            engine: builtin.name,
            accessor: entry.accessor.clone(),
            storage_id: entry.storage_id.clone(),
            options,
            default_ttl: entry.config.default_lease_ttl,
            max_ttl: entry.config.max_lease_ttl,
            token_type: TokenType::parse(&entry.config.token_type).unwrap_or_default(),
        };
        let fragment = MountFragment::new(&strongroom_audit::MountFacts {
            point: &facts.path,
            kind: facts.engine,
            accessor: &facts.accessor,
            running_version: concat!("v", env!("CARGO_PKG_VERSION"), "+builtin"),
            class: if builtin.kind == EngineKind::Auth { "auth" } else { "secret" },
        });
        let routes = engine.routes();
        let figures = self.metrics.of_mount(&entry, builtin.name);
        let clear = routes.iter().map(Clear::of).collect();
        Ok(Mount { facts: Arc::new(facts), kind: builtin.kind, routes, clear, fragment, figures, engine, entry })
    }

    /// All that this program can mount, the core's own included.
    pub fn builtins(&self) -> impl Iterator<Item = &Builtin> {
        self.catalogue.iter()
    }

    pub fn builtin(&self, name: &str) -> Option<&Builtin> {
        self.catalogue.iter().find(|b| b.name == name)
    }

    /// Some mount changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

/// Where tokens themselves are served.
pub const TOKEN_MOUNT: &str = "auth/token/";

/// Prefixes that nobody may mount on, unmount or move.
pub fn protected(path: &str) -> bool {
    const PROTECTED: [&str; 5] = ["auth/", "sys/", "cubbyhole/", "identity/", "audit/"];
    PROTECTED.iter().any(|p| path.starts_with(p))
}
