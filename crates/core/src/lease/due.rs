//! When each mount has its next lease to end: one moment for a mount, however many leases it has. All else is read from the
//! store's index when it is due.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use strongroom_barrier::View;
use strongroom_engine::{Key, Result};
use strongroom_types::Timestamp;

use super::entry::{due_index, read_due_key};

#[derive(Default)]
pub struct Due(Mutex<State>);

#[derive(Default)]
struct State {
    next: HashMap<String, Timestamp>,
    is_loaded: bool,
}

impl Due {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A lease is due then; told for every index entry that is written.
    pub fn note(&self, mount: &str, at: Timestamp) {
        self.with(|state| match state.next.get_mut(mount) {
            Some(next) => *next = at.min(*next),
            None => drop(state.next.insert(mount.to_owned(), at)),
        });
    }

    /// Forgets what is known of a mount, before its index is read: whatever is noted meanwhile stays.
    pub fn forget(&self, mount: &str) {
        self.with(|state| state.next.remove(mount));
    }

    /// Index entries may have been missed.
    pub fn lost(&self) {
        self.with(|state| state.is_loaded = false);
    }

    /// Mounts with something due at this moment.
    pub fn ready(&self, now: Timestamp) -> Vec<String> {
        self.with(|state| state.next.iter().filter(|(_, at)| **at <= now).map(|(mount, _)| mount.clone()).collect())
    }

    /// Reads the head of each mount's index, once after a start.
    pub async fn load(&self, view: &View) -> Result<()> {
        if self.with(|state| std::mem::replace(&mut state.is_loaded, true)) {
            return Ok(());
        }
        let loaded = self.load_all(view).await;
        if loaded.is_err() {
            self.lost();
        }
        loaded
    }

    async fn load_all(&self, view: &View) -> Result<()> {
        let (area, mut after) = (Key::area("v"), None);
        loop {
            let names = view.list(area.as_bytes(), after.as_deref(), 200).await?;
            let Some(last) = names.last().cloned() else { return Ok(()) };
            for name in &names {
                let Some(mount) = std::str::from_utf8(name).ok().and_then(|n| n.strip_suffix('/')) else { continue };
                self.read_head(view, mount).await?;
            }
            after = Some(last);
            tokio::task::yield_now().await;
        }
    }

    /// Notes the first entry of a mount's index, if it has any.
    pub async fn read_head(&self, view: &View, mount: &str) -> Result<()> {
        let head = view.keys(due_index(mount).as_bytes(), None, 1).await?;
        if let Some((mount, at, _)) = head.first().and_then(|key| read_due_key(key)) {
            self.note(mount, at);
        }
        Ok(())
    }
}
