//! What exists only while unsealed: the root key, the keyring at work, the decrypted entries, the change feed. Sealing
//! drops it as one; whoever still holds it finishes the read it is in.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use strongroom_storage::{Change, Precondition, Record, Revision, Store};
use strongroom_types::{Rng, SecretBytes, Timestamp};
use tokio::task::AbortHandle;

use crate::barrier::KEYRING;
use crate::keyring::{Cipher, Domain, Keyring, Unopened, unwrap, wrap};
use crate::view::{EntryCache, Follow};
use crate::{Entry, Error, Result};

/// Empty while sealed.
pub(crate) type SessionSlot = ArcSwapOption<Session>;

pub(crate) struct Session {
    root_key: SecretBytes,
    keys: ArcSwap<Keys>,
    /// Held while the stored keyring is read or replaced.
    keyring_turn: tokio::sync::Mutex<()>,
    pub cache: EntryCache,
    pub follow: Arc<Follow>,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// A keyring at work and the revision at which it is stored.
struct Keys {
    cipher: Cipher,
    revision: Revision,
}

impl Session {
    /// Opens the stored keyring with the root key. Errors: `Corrupt` when it does not open.
    pub async fn start(root_key: SecretBytes, store: &dyn Store, rng: &dyn Rng, cache_bytes_max: u64) -> Result<Self> {
        let (ring, revision) = load_keyring(&root_key, store).await?;
        let cipher = Cipher::new(ring, rng).map_err(|_| Error::Crypto("starting the keyring"))?;
        Ok(Self {
            root_key,
            keys: ArcSwap::from_pointee(Keys { cipher, revision }),
            keyring_turn: tokio::sync::Mutex::default(),
            cache: EntryCache::new(cache_bytes_max),
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
        let (ring, revision) = load_keyring(&self.root_key, store).await?;
        let keys = self.keys.load_full();
        if revision <= keys.revision {
            return Ok(());
        }
        self.install(&keys, ring, revision, rng)
    }

    fn install(&self, old: &Keys, ring: Keyring, revision: Revision, rng: &dyn Rng) -> Result<()> {
        let cipher = old.cipher.succeed(ring, rng).map_err(|_| Error::Crypto("starting the keyring"))?;
        self.keys.store(Arc::new(Keys { cipher, revision }));
        Ok(())
    }

    /// Adds a term in one commit and seals under it from then on. Returns its number. Errors: `Conflict` when another
    /// node rotates at the same time; its term is then taken over.
    pub async fn rotate(&self, store: &dyn Store, rng: &dyn Rng, now: Timestamp) -> Result<u32> {
        let _turn = self.keyring_turn.lock().await;
        let keys = self.keys.load_full();
        let ring = keys.cipher.ring().rotated(rng, now).ok_or(Error::KeyringFull)?;
        let sealed = wrap_keyring(&self.root_key, &ring, rng)?;
        let batch = strongroom_storage::Batch {
            puts: vec![(Bytes::from_static(KEYRING), sealed)],
            preconditions: vec![Precondition::KeyAt(Bytes::from_static(KEYRING), keys.revision)],
            ..Default::default()
        };
        match store.commit(batch).await {
            Ok(revision) => {
                let term = ring.active().map_or(0, |t| t.id);
                self.install(&keys, ring, revision, rng)?;
                Ok(term)
            }
            Err(strongroom_storage::Error::Conflict) => {
                self.load_newer(store, rng).await?;
                Err(Error::Conflict)
            }
            Err(other) => Err(other.into()),
        }
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

async fn load_keyring(root_key: &SecretBytes, store: &dyn Store) -> Result<(Keyring, Revision)> {
    let record = store.get(KEYRING).await?.ok_or(Error::NotInitialised)?;
    let ring = unwrap(root_key, KEYRING, &record.value).ok().and_then(|plain| Keyring::decode(&plain));
    ring.map(|ring| (ring, record.revision)).ok_or(Error::Corrupt { key: Bytes::from_static(KEYRING) })
}
