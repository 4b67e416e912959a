//! The connections that read. Called inline: a thread hop costs more than a page-cache hit. Each read is one snapshot.

use std::sync::{
    Mutex, MutexGuard, PoisonError, TryLockError,
    atomic::{AtomicUsize, Ordering},
};

use rusqlite::Connection;

use super::{folder::Place, schema};
use crate::{Error, Result};

/// Two are enough for inline reads; each costs up to 2 MiB of page cache.
const READERS: usize = 2;

pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn open(place: &Place) -> Result<Self> {
        let connections = (0..READERS).map(|_| schema::open_reader(place).map(Mutex::new)).collect::<Result<_>>()?;
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let Some(connection) = self.unlocked().or_else(|| self.wait()) else {
            return Err(Error::Unavailable("no reader".to_owned()));
        };
        read(&connection)
    }

    fn unlocked(&self) -> Option<MutexGuard<'_, Connection>> {
        self.connections.iter().find_map(|connection| match connection.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    fn wait(&self) -> Option<MutexGuard<'_, Connection>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = self.connections.get(turn.checked_rem(self.connections.len())?)?;
        Some(connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
