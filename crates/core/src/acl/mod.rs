//! Policies as stored documents, and the compiled sets that tokens are judged by.

mod document;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use strongroom_barrier::View;
use strongroom_engine::{Error, Key, Result};
use strongroom_policy::{Acl, Policy};
use strongroom_types::PolicyName;

pub use document::{DEFAULT, Document, RESPONSE_WRAPPING, ROOT, key};

/// Memory of the policy sets that are kept compiled.
const COMPILED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// For sizing: usual sets of this many are expected.
const COMPILED_SETS_USUAL: usize = 4_096;

#[derive(Clone)]
struct BySize;

impl Weighter<Vec<String>, (u64, Arc<Acl>)> for BySize {
    fn weight(&self, names: &Vec<String>, (_, acl): &(u64, Arc<Acl>)) -> u64 {
        let names = names.iter().map(|n| n.len().saturating_add(32)).fold(0usize, usize::saturating_add);
        acl.size_bytes().saturating_add(names as u64)
    }
}

pub struct Policies {
    view: View,
    /// Each set with the epoch at which its compilation began: another epoch makes it stale.
    compiled: Cache<Vec<String>, (u64, Arc<Acl>), BySize>,
    /// Counts changes of any policy. Tokens compare it with the count they compiled at.
    epoch: AtomicU64,
    root: Arc<Acl>,
}

impl Policies {
    pub fn new(view: View) -> Self {
        let compiled = Cache::with_weighter(COMPILED_SETS_USUAL, COMPILED_BYTES_MAX, BySize);
        Self { view, compiled, epoch: AtomicU64::new(0), root: Arc::new(Acl::root()) }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub fn root(&self) -> Arc<Acl> {
        self.root.clone()
    }

    /// One tree for a set of policy names. A name without a document grants nothing.
    pub async fn compiled(&self, names: &[String]) -> Result<Arc<Acl>> {
        // INVARIANT: the epoch is read before any document, and moves after the documents' cache was cleared.
        let seen = self.epoch();
        if let Some((epoch, acl)) = self.compiled.get(names)
            && epoch == seen
        {
            return Ok(acl);
        }
        let mut policies = Vec::with_capacity(names.len());
        for name in names {
            if let Some(policy) = self.parsed(name).await? {
                policies.push(Arc::new(policy));
            }
        }
        // No identity yet: a template that cannot be filled in grants nothing.
        let acl = Arc::new(Acl::compile(&policies, &|_| None));
        self.compiled.insert(names.to_vec(), (seen, acl.clone()));
        Ok(acl)
    }

    async fn parsed(&self, name: &str) -> Result<Option<Policy>> {
        let Ok(name) = PolicyName::parse(name) else { return Ok(None) };
        let Some(document) = self.document(&name).await? else { return Ok(None) };
        // It was parsed when it was written. Should it not parse now, it must not be left out silently: a missing deny widens.
        let policy = Policy::parse(name.clone(), &document.text);
        policy.map(Some).map_err(|e| Error::Internal(format!("policy `{name}` in the store: {e}")))
    }

    pub async fn document(&self, name: &PolicyName) -> Result<Option<Document>> {
        let Some(found) = self.view.get(key(name).as_bytes()).await? else { return Ok(None) };
        serde_json::from_slice(found.value())
            .map(Some)
            .map_err(|_| Error::Internal(format!("policy `{name}` in the store is malformed")))
    }

    pub async fn exists(&self, name: &str) -> Result<bool> {
        match PolicyName::parse(name) {
            Ok(name) => Ok(self.view.get(key(&name).as_bytes()).await?.is_some()),
            Err(_) => Ok(false),
        }
    }

    /// Names of all stored policies, sorted.
    pub async fn names(&self) -> Result<Vec<String>> {
        let prefix = Key::area(document::AREA);
        let mut names = Vec::new();
        let mut after: Option<bytes::Bytes> = None;
        loop {
            let page = self.view.scan(prefix.as_bytes(), after.as_deref(), 1000).await?;
            let Some((last, _)) = page.last() else { return Ok(names) };
            after = Some(last.clone());
            names.extend(page.iter().filter_map(|(k, _)| String::from_utf8(k.get(prefix.as_bytes().len()..)?.to_vec()).ok()));
        }
    }

    /// Some policy changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}
