//! Who else must hear of changes: caches of tokens, policies and mounts. They hear of a commit of this node before it is
//! acknowledged, and of other nodes' commits before `catch_up` resolves. Must be quick and must not block.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use strongroom_storage::{Change, Publish, Revision};

use crate::session::SessionSlot;

/// The keys that commits touched, in commit order.
#[derive(Clone, Copy)]
pub struct Changed<'a>(&'a [Change]);

impl<'a> Changed<'a> {
    pub(crate) fn new(changes: &'a [Change]) -> Self {
        Self(changes)
    }

    /// Keys put or deleted; a key may come up more than once.
    pub fn keys(&self) -> impl Iterator<Item = &'a Bytes> + use<'a> {
        self.0.iter().map(|change| &change.key)
    }

    /// Each key with whether it was put; false for a delete.
    pub fn puts_and_deletes(&self) -> impl Iterator<Item = (&'a Bytes, bool)> + use<'a> {
        self.0.iter().map(|change| (&change.key, change.value.is_some()))
    }

    /// The newest of the commits.
    pub fn revision(&self) -> Revision {
        self.0.iter().map(|change| change.revision).max().unwrap_or_default()
    }
}

pub trait Listener: Send + Sync + 'static {
    /// Drop what rests on these keys. Own commits to a shared store may be told twice.
    fn changed(&self, changed: Changed<'_>);

    /// Changes may have been missed, or the barrier was sealed: drop everything.
    fn lost(&self);
}

/// All listeners. Outlives sessions.
#[derive(Default)]
pub(crate) struct Listeners(ArcSwap<Vec<Arc<dyn Listener>>>);

impl Listeners {
    pub fn add(&self, listener: Arc<dyn Listener>) {
        self.0.rcu(|known| {
            let mut all = Vec::clone(known);
            all.push(Arc::clone(&listener));
            all
        });
    }

    pub fn changed(&self, changed: Changed<'_>) {
        self.0.load().iter().for_each(|l| l.changed(changed));
    }

    pub fn lost(&self) {
        self.0.load().iter().for_each(|l| l.lost());
    }
}

/// What the store tells this node's commits to. Holds no store, or neither would ever be dropped.
pub(crate) struct OwnCommits {
    pub session: Arc<SessionSlot>,
    pub listeners: Arc<Listeners>,
}

impl Publish for OwnCommits {
    fn published(&self, changes: &[Change]) {
        if let Some(session) = &*self.session.load() {
            session.published(changes);
        }
        self.listeners.changed(Changed::new(changes));
    }

    fn replaced(&self) {
        if let Some(session) = &*self.session.load() {
            session.cache.clear();
        }
        self.listeners.lost();
    }
}
