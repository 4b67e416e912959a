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

use crate::identity::{EntityFacts, Identities};

pub use document::{DEFAULT, Document, RESPONSE_WRAPPING, ROOT, key};

/// Memory of the policy sets that are kept compiled.
const COMPILED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// For sizing: usual sets of this many are expected.
const COMPILED_SETS_USUAL: usize = 4_096;

/// Memory of parsed policies, by the length of their texts.
const PARSED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a compiled set is kept under.
#[derive(Clone, PartialEq, Eq, Hash)]
struct SetKey {
    names: Vec<String>,
    /// `EntityFacts::number` that templates were filled in for; zero for a set that is the same for everybody, or nobody's.
    facts: u64,
}

#[derive(Clone)]
struct CompiledSet {
    /// At which compilation began: another epoch makes it stale.
    epoch: u64,
    is_templated: bool,
    acl: Arc<Acl>,
}

#[derive(Clone)]
struct BySize;

impl Weighter<SetKey, CompiledSet> for BySize {
    fn weight(&self, key: &SetKey, set: &CompiledSet) -> u64 {
        let names = key.names.iter().map(|n| n.len().saturating_add(32)).fold(0usize, usize::saturating_add);
        set.acl.size_bytes().saturating_add(names as u64)
    }
}

/// A policy as parsed, with the epoch before it was read and the length of its text. None where there is no such document.
type Parsed = (u64, Option<Arc<Policy>>, usize);

impl Weighter<String, Parsed> for BySize {
    fn weight(&self, name: &String, (_, _, length): &Parsed) -> u64 {
        /// A rule is a few times its text, as measured.
        const FACTOR: usize = 4;
        length.saturating_mul(FACTOR).saturating_add(name.len()).saturating_add(64) as u64
    }
}

pub struct Policies {
    view: View,
    pub identities: Arc<Identities>,
    compiled: Cache<SetKey, CompiledSet, BySize>,
    parsed: Cache<String, Parsed, BySize>,
    /// Counts changes of any policy. Tokens compare it with the count they compiled at.
    epoch: AtomicU64,
    root: Arc<Acl>,
}

impl Policies {
    pub fn new(view: View, identities: Arc<Identities>) -> Self {
        let compiled = Cache::with_weighter(COMPILED_SETS_USUAL, COMPILED_BYTES_MAX, BySize);
        let parsed = Cache::with_weighter(COMPILED_SETS_USUAL, PARSED_BYTES_MAX, BySize);
        Self { view, identities, compiled, parsed, epoch: AtomicU64::new(0), root: Arc::new(Acl::root()) }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub fn root(&self) -> Arc<Acl> {
        self.root.clone()
    }

    /// One tree for a set of policy names. A name without a document grants nothing. Sets with templates are made for one
    /// entity; the others are shared by all.
    pub async fn compiled(&self, names: &[String], facts: Option<&EntityFacts>) -> Result<Arc<Acl>> {
        // INVARIANT: the epoch is read before any document, and moves after the documents' cache was cleared.
        let epoch = self.epoch();
        let number = facts.map_or(0, |f| f.number);
        let mut key = SetKey { names: names.to_vec(), facts: 0 };
        // Nobody's set serves an entity only when no template is in it.
        if let Some(set) = self.compiled.get(&key).filter(|s| s.epoch == epoch && (number == 0 || !s.is_templated)) {
            return Ok(set.acl);
        }
        key.facts = number;
        if let Some(set) = self.compiled.get(&key).filter(|s| s.epoch == epoch) {
            return Ok(set.acl);
        }
        let mut policies = Vec::with_capacity(names.len());
        for name in names {
            policies.extend(self.parsed(name, epoch).await?);
        }
        let is_templated = policies.iter().any(|p| p.is_templated());
        let acl = Arc::new(Acl::compile(&policies, &|selector| facts.and_then(|f| f.value_of(selector))));
        if !is_templated {
            key.facts = 0;
        }
        self.compiled.insert(key, CompiledSet { epoch, is_templated, acl: acl.clone() });
        Ok(acl)
    }

    async fn parsed(&self, name: &str, epoch: u64) -> Result<Option<Arc<Policy>>> {
        if let Some((_, policy, _)) = self.parsed.get(name).filter(|(seen, ..)| *seen == epoch) {
            return Ok(policy);
        }
        let Ok(valid) = PolicyName::parse(name) else { return Ok(None) };
        let document = self.document(&valid).await?;
        let length = document.as_ref().map_or(0, |d| d.text.len());
        // It was parsed when it was written. Should it not parse now, it must not be left out silently: a missing deny widens.
        let policy = document.map(|d| Policy::parse(valid, &d.text)).transpose();
        let policy = policy.map_err(|e| Error::Internal(format!("policy `{name}` in the store: {e}")))?.map(Arc::new);
        self.parsed.insert(name.to_owned(), (epoch, policy.clone(), length));
        Ok(policy)
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
