//! The barrier's life: initialise, unseal, rotate, seal. While sealed it answers nothing but its state. Must never keep
//! key material anywhere but in the session, which sealing drops.

mod initialise;
mod previous;
mod replace;
mod snapshot;

pub use initialise::{InitOutput, Sealer};
pub use replace::{Quorum, Replacement};
pub use snapshot::{Areas, Checked, Keys, Saved};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwapOption;

use bytes::Bytes;
use strongroom_metrics::Page;
use strongroom_storage::Store;
use strongroom_types::{Rng, SecretBytes, Timestamp};

use crate::figures::Figures;
use crate::keyring::{Cipher, Domain};
use crate::listeners::{Listeners, OwnCommits};
use crate::seal::{Seal, SealConfig, ShamirSeal, State, Unsealing};
use crate::session::{Session, SessionSlot};
use crate::view::{View, start_following};
use crate::{Error, Result};

pub(crate) const SEAL_CONFIG: &[u8] = b"core/seal-config";
pub(crate) const ROOT_KEY: &[u8] = b"core/root-key";
pub(crate) const KEYRING: &[u8] = b"core/keyring";
/// What the replaced unseal keys need to open the store, until the new ones are known to have arrived.
pub(crate) const PREVIOUS: &[u8] = b"core/root-key-previous";
/// A new root key under the old one, for the other nodes of a shared store. Gone with `PREVIOUS`.
pub(crate) const HANDOVER: &[u8] = b"core/root-key-handover";

/// The head of a snapshot that was put in the store's place and has not been opened to its end since.
pub(crate) const RESTORED: &[u8] = b"core/restored";

/// Encryptions under one term after which a rotation is due. Sub-keys keep every nonce limit out of reach; this bounds
/// how much one leaked term opens.
pub const ROTATION_DUE_ENCRYPTIONS: u64 = 1 << 32;

/// True for the barrier's own records, which no view reads and no transaction writes.
pub(crate) fn is_reserved(key: &[u8]) -> bool {
    [SEAL_CONFIG, ROOT_KEY, KEYRING, PREVIOUS, HANDOVER, RESTORED].contains(&key)
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
    pub figures: Figures,
    config: Config,
    unsealing: Mutex<Unsealing>,
    /// The same shares, tried as the ones before a replacement that was interrupted.
    unsealing_previous: Mutex<Unsealing>,
    /// Kept on a store that nobody else writes.
    seal_config: ArcSwapOption<SealConfig>,
    /// Held while a session is started.
    unseal_turn: tokio::sync::Mutex<()>,
    /// Rises when a snapshot takes the store's place. Held while a commit is handed over.
    pub epoch: RwLock<u64>,
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
            figures: Figures::default(),
            config,
            unsealing: Mutex::default(),
            unsealing_previous: Mutex::default(),
            seal_config: ArcSwapOption::empty(),
            unseal_turn: tokio::sync::Mutex::default(),
            epoch: RwLock::default(),
        }))
    }

    pub fn view(&self) -> View {
        View::new(Arc::clone(&self.0))
    }

    /// Adds the figures of the barrier and of its store to a page of metrics.
    pub fn report(&self, page: &mut Page) {
        self.0.figures.report(page);
        self.0.store.report(page);
        if let Some(session) = &*self.0.session.load() {
            let bytes = session.cache.weight_bytes();
            page.gauge("strongroom.cache.bytes", "Memory of the cache of decrypted entries.", &[], bytes as f64);
        }
    }

    pub async fn is_initialised(&self) -> Result<bool> {
        Ok(self.seal_config().await?.is_some())
    }

    /// None before initialising. Errors: `Corrupt` when it can't be read.
    pub async fn seal_config(&self) -> Result<Option<SealConfig>> {
        if let Some(known) = &*self.0.seal_config.load() {
            return Ok(Some(SealConfig::clone(known)));
        }
        let Some(record) = self.0.store.get(SEAL_CONFIG).await? else { return Ok(None) };
        let corrupt = |_| Error::Corrupt { key: Bytes::from_static(SEAL_CONFIG) };
        let config: SealConfig = serde_json::from_slice(&record.value).map_err(corrupt)?;
        if self.0.sole_writer {
            self.0.seal_config.store(Some(Arc::new(config.clone())));
        }
        Ok(Some(config))
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
        if self.offer_as_previous(&share).await? {
            return self.state().await;
        }
        let offered = self.unsealing().offer(share, &config, &*self.0.rng);
        let unsealed = match offered {
            Ok(None) => Ok(()),
            Ok(Some(key)) => self.unseal_with(&ShamirSeal::new(key, Arc::clone(&self.0.rng))).await,
            Err(refused) => Err(refused),
        };
        match unsealed {
            // They may still become the keys before: those need more shares.
            Err(Error::InvalidKey | Error::InvalidShares(_)) if self.is_offering_previous() => {}
            other => other?,
        }
        self.state().await
    }

    /// Forgets the shares given so far.
    pub fn reset_unsealing(&self) {
        self.0.reset_unsealing();
    }

    /// Unseals by a seal that can unwrap the root key by itself. Errors: `InvalidKey`, `NotInitialised`, `Corrupt`.
    pub async fn unseal_with(&self, seal: &dyn Seal) -> Result<()> {
        let _turn = self.0.unseal_turn.lock().await;
        let store = &*self.0.store;
        let wrapped = store.get(ROOT_KEY).await?.ok_or(Error::NotInitialised)?;
        let root_key = seal.unwrap(&wrapped.value).await?;
        if self.is_sealed() {
            self.forget_previous(&wrapped).await?;
            self.start(root_key).await?;
        }
        Ok(())
    }

    /// The caller holds the turn and knows that the barrier is sealed.
    async fn start(&self, root_key: SecretBytes) -> Result<()> {
        let session = Session::start(root_key, &*self.0.store, &*self.0.rng, self.0.config.cache_bytes_max).await?;
        self.verify_restored(&session).await?;
        let session = Arc::new(session);
        if !self.0.sole_writer {
            start_following(&session, &self.0);
        }
        self.0.session.store(Some(session));
        self.0.reset_unsealing();
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

    /// Which store a transaction belongs to.
    pub fn epoch(&self) -> u64 {
        *self.epoch.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(&self) {
        if let Some(session) = self.session.swap(None) {
            session.stop();
            self.listeners.lost();
        }
        self.reset_unsealing();
    }

    fn reset_unsealing(&self) {
        self.unsealing.lock().unwrap_or_else(PoisonError::into_inner).reset();
        self.unsealing_previous.lock().unwrap_or_else(PoisonError::into_inner).reset();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.seal();
    }
}

#[cfg(test)]
mod tests;
