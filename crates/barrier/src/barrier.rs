//! The barrier's life: initialise, unseal, rotate, seal. While sealed it answers nothing but its state. Must never keep
//! key material anywhere but in the session, which sealing drops.

mod initialise;

pub use initialise::{InitOutput, Sealer};

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use strongroom_storage::Store;
use strongroom_types::{Rng, SecretBytes, Timestamp};

use crate::keyring::{Cipher, Domain};
use crate::listeners::{Listeners, OwnCommits};
use crate::seal::{Seal, SealConfig, ShamirSeal, State, Unsealing};
use crate::session::{Session, SessionSlot};
use crate::view::{View, start_following};
use crate::{Error, Result};

pub(crate) const SEAL_CONFIG: &[u8] = b"core/seal-config";
pub(crate) const ROOT_KEY: &[u8] = b"core/root-key";
pub(crate) const KEYRING: &[u8] = b"core/keyring";

/// Encryptions under one term after which a rotation is due. Sub-keys keep every nonce limit out of reach; this bounds
/// how much one leaked term opens.
pub const ROTATION_DUE_ENCRYPTIONS: u64 = 1 << 32;

/// True for the barrier's own records, which no view reads and no transaction writes.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    [SEAL_CONFIG, ROOT_KEY, KEYRING].contains(&key)
}

#[derive(Clone, Copy)]
pub struct Config {
    /// Most bytes of decrypted entries kept in memory.
    pub cache_bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { cache_bytes_max: 32 * 1024 * 1024 }
    }
}

/// A handle; clones are the same barrier.
#[derive(Clone)]
pub struct Barrier(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub store: Arc<dyn Store>,
    pub rng: Arc<dyn Rng>,
    pub sole_writer: bool,
    pub session: Arc<SessionSlot>,
    pub listeners: Arc<Listeners>,
    config: Config,
    unsealing: Mutex<Unsealing>,
    seal_config: OnceLock<SealConfig>,
    /// Held while a session is started.
    unseal_turn: tokio::sync::Mutex<()>,
}

/// Facts about the active term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    pub term: u32,
    pub installed_at: Timestamp,
    /// Encryptions under it by this process.
    pub encryptions: u64,
    pub rotation_due: bool,
}

fn derive(cipher: &Cipher, purpose: &str) -> Result<SecretBytes> {
    cipher.derive(purpose).map_err(|_| Error::Crypto("deriving a key"))
}

impl Barrier {
    /// A sealed barrier over a store. Does no I/O.
    pub fn new(store: Arc<dyn Store>, rng: Arc<dyn Rng>, config: Config) -> Self {
        let session = Arc::new(SessionSlot::empty());
        let listeners = Arc::new(Listeners::default());
        store.publish_to(Arc::new(OwnCommits { session: Arc::clone(&session), listeners: Arc::clone(&listeners) }));
        Self(Arc::new(Inner {
            sole_writer: store.is_sole_writer(),
            store,
            rng,
            session,
            listeners,
            config,
            unsealing: Mutex::default(),
            seal_config: OnceLock::new(),
            unseal_turn: tokio::sync::Mutex::default(),
        }))
    }

    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.0))
    }

    pub async fn is_initialised(&self) -> Result<bool> {
        Ok(self.seal_config().await?.is_some())
    }

    /// None before initialising. Errors: `Corrupt` when it can't be read.
    pub async fn seal_config(&self) -> Result<Option<SealConfig>> {
        if let Some(known) = self.0.seal_config.get() {
            return Ok(Some(known.clone()));
        }
        let Some(record) = self.0.store.get(SEAL_CONFIG).await? else { return Ok(None) };
        let corrupt = |_| Error::Corrupt { key: Bytes::from_static(SEAL_CONFIG) };
        let config: SealConfig = serde_json::from_slice(&record.value).map_err(corrupt)?;
        Ok(Some(self.0.seal_config.get_or_init(|| config).clone()))
    }

    pub fn is_sealed(&self) -> bool {
        self.0.session.load().is_none()
    }

    pub async fn state(&self) -> Result<State> {
        let Some(config) = self.seal_config().await? else { return Ok(State::Uninitialised) };
        Ok(match self.is_sealed() {
            true => State::Sealed { config, progress: self.unsealing().progress() },
            false => State::Unsealed { config },
        })
    }

    /// Takes one printed share, hex or base64; with the last one needed, unseals. A share given to an unsealed barrier
    /// is not looked at. Errors: `InvalidShare`, `InvalidShares`, `InvalidKey` (the last two start progress again),
    /// `NotInitialised`.
    pub async fn unseal_share(&self, share: &str) -> Result<State> {
        let share = crate::seal::parse_share(share)?;
        let config = self.seal_config().await?.ok_or(Error::NotInitialised)?;
        if !self.is_sealed() {
            return self.state().await;
        }
        let key = self.unsealing().offer(share, &config, &*self.0.rng)?;
        if let Some(key) = key {
            self.unseal_with(&ShamirSeal::new(key, Arc::clone(&self.0.rng))).await?;
        }
        self.state().await
    }

    /// Forgets the shares given so far.
    pub fn reset_unsealing(&self) {
        self.unsealing().reset();
    }

    /// Unseals by a seal that can unwrap the root key by itself. Errors: `InvalidKey`, `NotInitialised`, `Corrupt`.
    pub async fn unseal_with(&self, seal: &dyn Seal) -> Result<()> {
        let _turn = self.0.unseal_turn.lock().await;
        let store = &*self.0.store;
        let wrapped = store.get(ROOT_KEY).await?.ok_or(Error::NotInitialised)?;
        let root_key = seal.unwrap(&wrapped.value).await?;
        if !self.is_sealed() {
            return Ok(());
        }
        let session = Arc::new(Session::start(root_key, store, &*self.0.rng, self.0.config.cache_bytes_max).await?);
        if !self.0.sole_writer {
            start_following(&session, &self.0);
        }
        self.0.session.store(Some(session));
        self.unsealing().reset();
        Ok(())
    }

    /// Drops all keys and all decrypted entries. Reads in flight finish; their copies are wiped as they end.
    pub fn seal(&self) {
        self.0.seal();
    }

    /// A key for one purpose, the same for the life of the store. Errors: `Sealed`.
    pub fn derive(&self, purpose: &str) -> Result<SecretBytes> {
        self.0.session()?.with_cipher(|c| derive(c, purpose))
    }

    /// Seals a message that leaves the server, such as a batch token. Only `open_message` with the same purpose opens it.
    pub fn seal_message(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.0.session()?.with_cipher(|c| c.seal(Domain::Message, purpose.as_bytes(), plain));
        sealed.map_err(|_| Error::Crypto("sealing a message"))
    }

    /// Errors: `InvalidMessage` for whatever reason, `Sealed`.
    pub fn open_message(&self, purpose: &str, sealed: &[u8]) -> Result<SecretBytes> {
        // SECURITY: a stranger's bytes must not make this node read the store, so an unknown term is just not valid.
        let opened = self.0.session()?.with_cipher(|c| c.open(Domain::Message, purpose.as_bytes(), sealed));
        opened.map_err(|_| Error::InvalidMessage)
    }

    /// Adds a term to the keyring and returns its number. Values of older terms stay readable.
    /// Errors: `Conflict` when another node rotates at the same time, `Sealed`.
    pub async fn rotate(&self, now: Timestamp) -> Result<u32> {
        self.0.session()?.rotate(&*self.0.store, &*self.0.rng, now).await
    }

    /// Errors: `Sealed`.
    pub fn key_status(&self) -> Result<KeyStatus> {
        self.0.session()?.with_cipher(|cipher| {
            let term = cipher.ring().active().ok_or(Error::Crypto("reading the keyring"))?;
            let encryptions = cipher.encryptions();
            let rotation_due = encryptions >= ROTATION_DUE_ENCRYPTIONS;
            Ok(KeyStatus { term: term.id, installed_at: term.installed_at, encryptions, rotation_due })
        })
    }

    fn unsealing(&self) -> MutexGuard<'_, Unsealing> {
        self.0.unsealing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    pub fn session(&self) -> Result<Arc<Session>> {
        self.session.load_full().ok_or(Error::Sealed)
    }

    fn seal(&self) {
        if let Some(session) = self.session.swap(None) {
            session.stop();
            self.listeners.lost();
        }
        self.unsealing.lock().unwrap_or_else(PoisonError::into_inner).reset();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.seal();
    }
}

#[cfg(test)]
mod tests;
