//! Finding live tokens. Record, caller and compiled policies are cached together, and dropped in commit order when the
//! record changes on any node.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, ArcSwapOption};
use quick_cache::sync::Cache;
use strongroom_audit::FragmentCache;
use strongroom_barrier::{Barrier, View};
use strongroom_engine::{Caller, Result, TokenKind};
use strongroom_policy::Acl;
use strongroom_types::{SecretString, Timestamp, eq_constant_time};

use super::batch;
use super::entry::{self, TokenEntry};
use super::id::{BATCH_PREFIX, Lookup, TokenKey};
use super::revoke::decode;
use crate::acl::Policies;
use crate::identity::{EntityFacts, Identities, REFUSED};

/// Tokens whose records are kept ready.
const CACHED_TOKENS_MAX: usize = 16_384;
const SHARDS: usize = 64;

/// A token that was live when it was looked up, with what is derived from it.
pub struct LiveToken {
    pub entry: TokenEntry,
    pub caller: Arc<Caller>,
    standing: ArcSwap<Standing>,
    /// The record's tag as bytes; zeros, which no token has, for batch tokens.
    tag: [u8; 32],
}

/// What a token is, with the entity behind it: made anew when anything about that changes.
pub struct Standing {
    /// None for tokens without an entity.
    pub facts: Option<Arc<EntityFacts>>,
    /// The token's own and the entity's: sorted, each once. None when those are just the token's own.
    policies: Option<Vec<String>>,
    /// Rendered once for the audit log and reused by every request of this token.
    pub fragments: FragmentCache,
    /// Weak, so that the cache of compiled sets alone decides how much memory they hold.
    acl: ArcSwapOption<(u64, Weak<Acl>)>,
}

impl Standing {
    fn new(facts: Option<Arc<EntityFacts>>, own: &[String]) -> Self {
        let policies = facts.as_ref().filter(|f| !f.policies.is_empty()).map(|f| union(own, &f.policies).into_owned());
        Self { facts, policies, fragments: FragmentCache::new(), acl: ArcSwapOption::empty() }
    }

    /// What the token is judged by.
    pub fn policies<'a>(&'a self, entry: &'a TokenEntry) -> &'a [String] {
        self.policies.as_deref().unwrap_or(&entry.grant.policies)
    }

    /// What it has from its entity and the groups of that.
    pub fn identity_policies(&self) -> &[String] {
        self.facts.as_ref().map_or(&[], |f| &f.policies)
    }
}

/// Sorted, each once.
pub fn union<'a>(a: &'a [String], b: &[String]) -> Cow<'a, [String]> {
    if b.is_empty() && a.is_sorted_by(|one, next| one < next) {
        return Cow::Borrowed(a); // nearly always
    }
    let all: BTreeSet<&String> = a.iter().chain(b).collect();
    Cow::Owned(all.into_iter().cloned().collect())
}

impl LiveToken {
    pub fn new(entry: TokenEntry, kind: TokenKind) -> Self {
        let caller = Arc::new(Caller {
            kind,
            is_root: entry.grant.is_root,
            family: (kind == TokenKind::Service).then(|| entry.family.clone()),
            policies: entry.grant.policies.clone().into(),
            display_name: entry.display_name.clone(),
            entity_id: entry.entity_id.clone(),
        });
        let mut tag = [0u8; 32];
        if hex::decode_to_slice(&entry.tag, &mut tag).is_err() {
            tag = [0; 32];
        }
        Self { entry, caller, standing: ArcSwap::from_pointee(Standing::new(None, &[])), tag }
    }

    /// Who the token stands for now. A token without an entity pays nothing for it, one with an entity two loads.
    /// Errors: `BadToken` when the entity is disabled or gone.
    pub async fn standing(&self, identities: &Identities) -> Result<Arc<Standing>> {
        let kept = self.standing.load();
        match &kept.facts {
            None if self.entry.entity_id.is_empty() => return Ok(Arc::clone(&kept)),
            Some(facts) if identities.is_current(facts) => return Ok(Arc::clone(&kept)),
            _ => {}
        }
        drop(kept);
        let facts = identities.facts(&self.entry.entity_id).await?.filter(|f| !f.entity.disabled).ok_or(REFUSED)?;
        let standing = Arc::new(Standing::new(Some(facts), &self.entry.grant.policies));
        self.standing.store(standing.clone());
        Ok(standing)
    }

    /// The newest that was asked for, for whoever only reports.
    pub fn last_standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }

    /// The compiled policies, made anew when any policy changed since, or the entity behind the token.
    /// Errors: as `standing`.
    pub async fn acl(&self, policies: &Policies) -> Result<Arc<Acl>> {
        if self.entry.grant.is_root {
            return Ok(policies.root());
        }
        let standing = self.standing(&policies.identities).await?;
        let epoch = policies.epoch();
        if let Some(kept) = &*standing.acl.load()
            && kept.0 == epoch
            && let Some(acl) = kept.1.upgrade()
        {
            return Ok(acl);
        }
        let acl = policies.compiled(standing.policies(&self.entry), standing.facts.as_deref()).await?;
        standing.acl.store(Some(Arc::new((epoch, Arc::downgrade(&acl)))));
        Ok(acl)
    }
}

/// A lock and a count of changes for a part of the families: closes the race between filling the cache and a change.
#[derive(Default)]
struct Shard {
    fill: Mutex<()>,
    changes: AtomicU64,
}

pub struct Tokens {
    pub keys: TokenKey,
    pub barrier: Barrier,
    view: View,
    cache: Cache<String, Arc<LiveToken>>,
    shards: [Shard; SHARDS],
}

impl Tokens {
    pub fn new(keys: TokenKey, barrier: Barrier, view: View) -> Self {
        Self { keys, barrier, view, cache: Cache::new(CACHED_TOKENS_MAX), shards: std::array::from_fn(|_| Shard::default()) }
    }

    /// The live token that this text is; None for every other text.
    pub async fn find(&self, text: &SecretString, now: Timestamp) -> Result<Option<Arc<LiveToken>>> {
        if let Some(sealed) = text.expose().strip_prefix(BATCH_PREFIX) {
            return self.find_batch(sealed, now).await;
        }
        let Some(presented) = self.keys.read(text.expose()) else { return Ok(None) };
        let family = match presented.family {
            Lookup::Family(family) => family,
            Lookup::Chosen => match self.view.get(entry::chosen_key(&hex::encode(presented.tag)).as_bytes()).await? {
                Some(found) => String::from_utf8_lossy(found.value()).into_owned(),
                None => return Ok(None),
            },
        };
        let token = self.by_family(&family, now).await?;
        Ok(token.filter(|t| eq_constant_time(&t.tag, &presented.tag)))
    }

    /// The family that a token of our own form names, whether or not it lives. None for every other text.
    pub fn family_of(&self, text: &SecretString) -> Option<String> {
        match self.keys.read(text.expose())?.family {
            Lookup::Family(family) => Some(family),
            Lookup::Chosen => None,
        }
    }

    /// The live token with this accessor. SECURITY: proves nothing about who asks.
    pub async fn by_family(&self, family: &str, now: Timestamp) -> Result<Option<Arc<LiveToken>>> {
        if let Some(token) = self.cache.get(family) {
            return Ok(Some(token).filter(|t| t.entry.is_live(now)));
        }
        let Some(shard) = self.shard(family.as_bytes()) else { return Ok(None) };
        let seen = shard.changes.load(Ordering::Acquire);
        let Some(found) = self.view.get(entry::key(family).as_bytes()).await? else { return Ok(None) };
        let token = Arc::new(LiveToken::new(decode(found.value())?, TokenKind::Service));
        let guard = shard.fill.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // INVARIANT: a change bumps the count under this lock before it removes, so no older record is put after it.
        if shard.changes.load(Ordering::Acquire) == seen {
            self.cache.insert(family.to_owned(), token.clone());
        }
        drop(guard);
        Ok(Some(token).filter(|t| t.entry.is_live(now)))
    }

    async fn find_batch(&self, sealed: &str, now: Timestamp) -> Result<Option<Arc<LiveToken>>> {
        let Some(entry) = batch::open(&self.barrier, sealed)? else { return Ok(None) };
        if let Some(parent) = &entry.parent
            && Box::pin(self.by_family(parent, now)).await?.is_none()
        {
            return Ok(None);
        }
        Ok(Some(Arc::new(LiveToken::new(entry, TokenKind::Batch))).filter(|t| t.entry.is_live(now)))
    }

    fn shard(&self, family: &[u8]) -> Option<&Shard> {
        let sum = family.iter().fold(0usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(*b)));
        self.shards.get(sum % SHARDS)
    }

    /// A token's record changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self, family: &[u8]) {
        if let Some(shard) = self.shard(family) {
            let guard = shard.fill.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shard.changes.fetch_add(1, Ordering::AcqRel);
            drop(guard);
        }
        if let Ok(family) = std::str::from_utf8(family) {
            self.cache.remove(family);
        }
    }

    /// Changes were missed: nothing cached may be trusted.
    pub fn lost(&self) {
        for shard in &self.shards {
            let _guard = shard.fill.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            shard.changes.fetch_add(1, Ordering::AcqRel);
        }
        self.cache.clear();
    }
}
