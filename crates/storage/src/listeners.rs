//! Whom a handle tells of its own commits. The caller must publish in commit order and before it acknowledges.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{Change, Publish};

#[derive(Default)]
pub(crate) struct Listeners(RwLock<Vec<Arc<dyn Publish>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: Arc<dyn Publish>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub(crate) fn tell(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        for listener in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener.published(changes);
        }
    }

    pub(crate) fn tell_replaced(&self) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(|listener| listener.replaced());
    }
}
