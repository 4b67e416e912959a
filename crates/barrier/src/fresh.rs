//! Plain values of puts on their way through the store that somebody will ask for at once, such as a wrapped answer: the
//! cache takes them over as their commit is published, and nobody reads them back. For stores with one writer, whose
//! commits are published in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use strongroom_storage::Change;
use strongroom_types::SecretBytes;

/// By the address of the sealed value, which nothing else can have while it lies here.
#[derive(Default)]
pub(crate) struct Fresh(Mutex<HashMap<usize, Held>>);

struct Held {
    _sealed: Bytes,
    plain: SecretBytes,
}

fn address(sealed: &Bytes) -> usize {
    sealed.as_ptr().addr()
}

impl Fresh {
    /// Until the answer is dropped or the change is published.
    pub fn hold(self: &Arc<Self>, values: Vec<(Bytes, SecretBytes)>) -> Option<Holding> {
        if values.is_empty() {
            return None;
        }
        let places = values.iter().map(|(sealed, _)| address(sealed)).collect();
        let held = values.into_iter().map(|(sealed, plain)| (address(&sealed), Held { _sealed: sealed, plain }));
        self.held().extend(held);
        Some(Holding { fresh: Arc::clone(self), places })
    }

    pub fn take(&self, change: &Change) -> Option<SecretBytes> {
        let sealed = change.value.as_ref()?;
        self.held().remove(&address(sealed)).map(|held| held.plain)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.held().is_empty()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<usize, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the values while their commit is under way: one that fails leaves nothing.
pub(crate) struct Holding {
    fresh: Arc<Fresh>,
    places: Vec<usize>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut held = self.fresh.held();
        for place in &self.places {
            held.remove(place);
        }
    }
}
