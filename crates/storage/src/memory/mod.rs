//! The store in memory: for `-dev`, for tests, and as the plainest statement of what a store promises. Nothing outlives it.
//!
//! A [`MemoryStore::new`] is alone. Handles of one [`SharedMemory`] behave like nodes on a shared database: each is told
//! only of its own commits and must learn of the others' by `head` and `watch`, so whatever passes with them does not
//! assume to be alone.

mod state;

use std::{
    io::Cursor,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use strongroom_types::BoxFuture;

use crate::{Batch, ChangeStream, Publish, Record, Replacement, Result, Revision, Scratch, Store, Whole, listeners::Listeners};
use state::State;

/// One map for several handles.
#[derive(Clone, Default)]
pub struct SharedMemory(Arc<Mutex<State>>);

impl SharedMemory {
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle that is not the only writer.
    pub fn handle(&self) -> MemoryStore {
        MemoryStore { state: Arc::clone(&self.0), listeners: Listeners::default(), sole_writer: false }
    }
}

/// A handle to a map in memory.
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    listeners: Listeners,
    sole_writer: bool,
}

impl MemoryStore {
    /// An empty store with this handle as its only writer.
    pub fn new() -> Self {
        Self { sole_writer: true, ..SharedMemory::new().handle() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listeners are told under the lock: that makes the order of publishing the order of commits.
    fn commit_now(&self, batch: Batch) -> Result<Revision> {
        batch.check_limits()?;
        let mut state = self.state();
        let changes = state.apply(batch)?;
        self.listeners.tell(&changes);
        Ok(state.head())
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Record>>> {
        Box::pin(async move { Ok(self.state().record(key).cloned()) })
    }

    fn list<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> BoxFuture<'a, Result<Vec<Bytes>>> {
        Box::pin(async move { Ok(self.state().list(prefix, after, limit)) })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Bytes, Record)>>> {
        Box::pin(async move { Ok(self.state().scan(prefix, after, limit)) })
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision>> {
        Box::pin(async move { Ok(self.state().head()) })
    }

    fn is_sole_writer(&self) -> bool {
        self.sole_writer
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<Revision>> {
        let outcome = self.commit_now(batch);
        Box::pin(std::future::ready(outcome))
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> ChangeStream {
        self.state().watch(prefix, from)
    }

    fn publish_to(&self, listener: Arc<dyn Publish>) {
        self.listeners.add(listener);
    }

    fn whole(&self) -> Option<&dyn Whole> {
        Some(self)
    }
}

impl Whole for MemoryStore {
    fn read_all(&self, each: &mut dyn FnMut(&[u8], &Record) -> Result<()>) -> Result<Revision> {
        // Values are shared, not copied.
        let (records, head) = self.state().all();
        records.iter().try_for_each(|(key, record)| each(key, record))?;
        Ok(head)
    }

    fn replace_all(&self, with: Replacement) -> BoxFuture<'static, Result<Revision>> {
        let replaced = self.state().replace(with);
        if replaced.is_ok() {
            self.listeners.tell_replaced();
        }
        Box::pin(std::future::ready(replaced))
    }

    fn scratch(&self) -> Result<Box<dyn Scratch>> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }
}
