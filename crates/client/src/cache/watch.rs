//! Following a secret: for pools and certificates that are to be exchanged while the program runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::SecretCache;
use super::entry::{Entry, State};
use super::error::CacheError;
use crate::secret::Secret;

/// Follows one key, which is kept fresh for as long as this lives.
pub struct SecretWatch {
    cache: SecretCache,
    entry: Arc<Entry>,
    state: watch::Receiver<State>,
    seen: Option<Secret>,
}

impl SecretWatch {
    pub(super) fn new(cache: SecretCache, entry: Arc<Entry>, seen: Secret) -> Self {
        entry.watchers.fetch_add(1, Ordering::Relaxed);
        let state = entry.state.subscribe();
        entry.wake.notify_one();
        Self { cache, entry, state, seen: Some(seen) }
    }

    /// The value at this time. Errors: as `SecretCache::get`, without waiting.
    pub async fn current(&self) -> Result<Secret, CacheError> {
        self.cache.get(&self.entry.key).await
    }

    /// Waits for another value than the one last returned here (or, at first, the one that the watch began with). A refresh that
    /// brings the same content is no change; a value that ends or fails isn't either: what is in use may go on being used, and
    /// `current` tells.
    pub async fn changed(&mut self) -> Secret {
        loop {
            let found = {
                let state = self.state.borrow_and_update();
                if state.gone { None } else { Some(state.held.as_ref().map(|held| held.secret.clone())) }
            };
            match found {
                Some(Some(secret)) if !self.seen.as_ref().is_some_and(|seen| seen.is_same(&secret)) => {
                    self.seen = Some(secret.clone());
                    return secret;
                }
                Some(_) => {
                    // The sender lives in the entry, which is held here.
                    let _open = self.state.changed().await;
                }
                None => self.follow_again().await,
            }
        }
    }

    /// The keeper left: its runtime ended. Another one takes over.
    async fn follow_again(&mut self) {
        match self.cache.entry(&self.entry.key) {
            Ok(entry) => {
                self.entry.watchers.fetch_sub(1, Ordering::Relaxed);
                entry.watchers.fetch_add(1, Ordering::Relaxed);
                self.state = entry.state.subscribe();
                entry.wake.notify_one();
                self.entry = entry;
            }
            Err(_) => tokio::time::sleep(self.cache.backoff_max()).await,
        }
    }
}

impl Drop for SecretWatch {
    fn drop(&mut self) {
        self.entry.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for SecretWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretWatch").field("key", &self.entry.key).finish_non_exhaustive()
    }
}

/// Ends the calls of `SecretCache::on_change` when dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the calls"]
pub struct ChangeGuard(pub(super) AbortHandle);

impl Drop for ChangeGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
