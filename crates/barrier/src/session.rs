//! What exists only while unsealed: the root key, the keyring at work, the decrypted entries, the change feed. Sealing
//! drops it as one; whoever still holds it finishes the read it is in.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use strongroom_storage::{Batch, Change, Precondition, Record, Revision, Store};
use strongroom_types::{Rng, SecretBytes, Timestamp};
use tokio::task::AbortHandle;

use crate::barrier::{HANDOVER, KEYRING};
use crate::fresh::Fresh;
use crate::keyring::{Cipher, Domain, Keyring, Unopened, unwrap, wrap};
use crate::view::{EntryCache, Follow};
use crate::{Entry, Error, Result};

/// Empty while sealed.
pub(crate) type SessionSlot = ArcSwapOption<Session>;

pub(crate) struct Session {
    keys: ArcSwap<Keys>,
    /// Held while the stored keyring is read or replaced.
    keyring_turn: tokio::sync::Mutex<()>,
    pub cache: EntryCache,
    pub fresh: Arc<Fresh>,
    pub follow: Arc<Follow>,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// The keys at work: the keyring, the revision at which it is stored, and the root key that wraps it there.
struct Keys {
    cipher: Arc<Cipher>,
    revision: Revision,
    root_key: Arc<SecretBytes>,
}

impl Session {
    /// Opens the stored keyring with the root key. Errors: `Corrupt` when it does not open.
    pub async fn start(root_key: SecretBytes, store: &dyn Store, rng: &dyn Rng, cache_bytes_max: u64) -> Result<Self> {
        let stored = load_keyring(&Arc::new(root_key), store).await?;
        let cipher = Arc::new(Cipher::new(stored.ring, rng).map_err(|_| Error::Crypto("starting the keyring"))?);
        Ok(Self {
            keys: ArcSwap::from_pointee(Keys { cipher, revision: stored.revision, root_key: stored.root_key }),
            keyring_turn: tokio::sync::Mutex::default(),
            cache: EntryCache::new(cache_bytes_max),
            fresh: Arc::default(),
            follow: Arc::default(),
            tasks: Mutex::default(),
        })
    }

    /// Runs `f` with the keyring of this moment.
    pub fn with_cipher<T>(&self, f: impl FnOnce(&Cipher) -> T) -> T {
        f(&self.keys.load().cipher)
    }

    /// Drops what is cached of these keys, reads in flight included.
    pub fn forget(&self, changes: &[Change]) {
        changes.iter().for_each(|change| self.cache.forget(&change.key));
    }

    /// As `forget`, for commits of this node: values held for them take the places of the old ones.
    pub fn published(&self, changes: &[Change]) {
        for change in changes {
            self.cache.forget(&change.key);
            if let Some(plain) = self.fresh.take(change) {
                self.cache.offer(Entry::new(change.key.clone(), change.revision, plain));
            }
        }
    }

    pub fn seal_value(&self, key: &[u8], plain: &[u8]) -> Result<Bytes> {
        let sealed = self.with_cipher(|c| c.seal(Domain::Value, key, plain));
        sealed.map(Bytes::from).map_err(|_| Error::Crypto("sealing a value"))
    }

    /// Opens a record. One of a term that this node does not know yet makes it load the keyring again.
    pub async fn open_record(&self, key: &Bytes, record: &Record, store: &dyn Store, rng: &dyn Rng) -> Result<Entry> {
        let open = || self.with_cipher(|c| c.open(Domain::Value, key, &record.value));
        let opened = match open() {
            Err(Unopened::UnknownTerm) => {
                self.reload_keyring(store, rng).await?;
                open()
            }
            other => other,
        };
        let value = opened.map_err(|_| Error::Corrupt { key: key.clone() })?;
        Ok(Entry::new(key.clone(), record.revision, value))
    }

    /// Takes over terms that another node added.
    pub async fn reload_keyring(&self, store: &dyn Store, rng: &dyn Rng) -> Result<()> {
        let _turn = self.keyring_turn.lock().await;
        self.load_newer(store, rng).await
    }

    async fn load_newer(&self, store: &dyn Store, rng: &dyn Rng) -> Result<()> {
        let keys = self.keys.load_full();
        let stored = load_keyring(&keys.root_key, store).await?;
        if stored.revision <= keys.revision {
            return Ok(());
        }
        self.install(&keys, stored, rng)
    }

    fn install(&self, old: &Keys, stored: Stored, rng: &dyn Rng) -> Result<()> {
        let cipher = old.cipher.succeed(stored.ring, rng).map_err(|_| Error::Crypto("starting the keyring"))?;
        let (revision, root_key) = (stored.revision, stored.root_key);
        self.keys.store(Arc::new(Keys { cipher: Arc::new(cipher), revision, root_key }));
        Ok(())
    }

    /// Adds a term in one commit and seals under it from then on. Returns its number. Errors: `Conflict` when another
    /// node rotates at the same time; its term is then taken over.
    pub async fn rotate(&self, store: &dyn Store, rng: &dyn Rng, now: Timestamp) -> Result<u32> {
        let _turn = self.keyring_turn.lock().await;
        let keys = self.keys.load_full();
        let ring = keys.cipher.ring().rotated(rng, now).ok_or(Error::KeyringFull)?;
        let sealed = wrap_keyring(&keys.root_key, &ring, rng)?;
        let batch = Batch {
            puts: vec![(Bytes::from_static(KEYRING), sealed)],
            preconditions: vec![Precondition::KeyAt(Bytes::from_static(KEYRING), keys.revision)],
            ..Default::default()
        };
        match store.commit(batch).await {
            Ok(revision) => {
                let term = ring.active().map_or(0, |t| t.id);
                self.install(&keys, Stored { ring, revision, root_key: Arc::clone(&keys.root_key) }, rng)?;
                Ok(term)
            }
            Err(strongroom_storage::Error::Conflict) => {
                self.load_newer(store, rng).await?;
                Err(Error::Conflict)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Replaces the root key: commits `batch`, completed by the keyring under the new key, if both still are what they
    /// were. Errors: `Conflict`: nothing happened; others: it may or may not have.
    pub async fn replace_root_key(&self, new: &Arc<SecretBytes>, mut batch: Batch, hub: Hub<'_>) -> Result<Revision> {
        let _turn = self.keyring_turn.lock().await;
        let keys = self.keys.load_full();
        batch.puts.push((Bytes::from_static(KEYRING), wrap_keyring(new, keys.cipher.ring(), hub.rng)?));
        batch.preconditions.push(Precondition::KeyAt(Bytes::from_static(KEYRING), keys.revision));
        if !hub.store.is_sole_writer() {
            // Other nodes have the old key in memory, and no share to ask for the new one.
            let handed = wrap(&keys.root_key, HANDOVER, new, hub.rng).map_err(|_| Error::Crypto("handing the root key over"))?;
            batch.puts.push((Bytes::from_static(HANDOVER), Bytes::from(handed)));
        }
        let revision = hub.store.commit(batch).await?;
        self.keys.store(Arc::new(Keys { cipher: Arc::clone(&keys.cipher), revision, root_key: Arc::clone(new) }));
        Ok(revision)
    }

    /// Works with this root key from now on, if the stored keyring opens with it.
    pub async fn adopt_root_key(&self, root_key: &Arc<SecretBytes>, hub: Hub<'_>) -> Result<()> {
        let _turn = self.keyring_turn.lock().await;
        let stored = load_keyring(root_key, hub.store).await?;
        self.install(&self.keys.load_full(), stored, hub.rng)
    }

    /// A copy, for the one who opens the same store again.
    pub fn root_key(&self) -> SecretBytes {
        self.keys.load().root_key.duplicate()
    }

    pub fn add_task(&self, task: AbortHandle) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Ends the tasks, wakes who waits for them and empties the cache.
    pub fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(AbortHandle::abort);
        self.follow.end();
        self.cache.clear();
    }
}

/// The keyring as it is stored.
pub(crate) fn wrap_keyring(root_key: &SecretBytes, ring: &Keyring, rng: &dyn Rng) -> Result<Bytes> {
    wrap(root_key, KEYRING, &ring.encode(), rng).map(Bytes::from).map_err(|_| Error::Crypto("wrapping the keyring"))
}

/// Store and randomness, which the session itself does not hold.
#[derive(Clone, Copy)]
pub(crate) struct Hub<'a> {
    pub store: &'a dyn Store,
    pub rng: &'a dyn Rng,
}

/// A keyring as it was found, with the root key that opened it.
struct Stored {
    ring: Keyring,
    revision: Revision,
    root_key: Arc<SecretBytes>,
}

/// Opens the stored keyring, after a replacement by another node with the root key that it left for this one.
async fn load_keyring(root_key: &Arc<SecretBytes>, store: &dyn Store) -> Result<Stored> {
    let record = store.get(KEYRING).await?.ok_or(Error::NotInitialised)?;
    let open = |key: &SecretBytes| unwrap(key, KEYRING, &record.value).ok().and_then(|plain| Keyring::decode(&plain));
    if let Some(ring) = open(root_key) {
        return Ok(Stored { ring, revision: record.revision, root_key: Arc::clone(root_key) });
    }
    let handed = store.get(HANDOVER).await?.and_then(|handed| unwrap(root_key, HANDOVER, &handed.value).ok());
    let opened = handed.and_then(|key| Some(Stored { ring: open(&key)?, revision: record.revision, root_key: Arc::new(key) }));
    opened.ok_or(Error::Corrupt { key: Bytes::from_static(KEYRING) })
}
