//! Keeping up with a store that other nodes write too: one task consumes the change feed, one asks for the head on
//! behalf of all requests that wait at that moment (architecture.md, Many active nodes). A request never joins a head
//! call that was already under way: it might have missed the commit the request must see.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use strongroom_storage::{Change, Revision, Store};
use strongroom_types::Rng;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::barrier::{Inner, KEYRING};
use crate::listeners::{Changed, Listeners};
use crate::session::Session;
use crate::{Error, Result};

/// Longest wait for the store before a request is refused.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);
/// Pause before the feed is asked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How far this node has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// The feed is not running: nothing cached may be relied on.
    Lost,
    At(Revision),
    /// The session is over.
    Ended,
}

pub(crate) struct Follow {
    applied: watch::Sender<Applied>,
    asking: Mutex<Vec<oneshot::Sender<Result<Revision>>>>,
    bell: Notify,
}

impl Default for Follow {
    fn default() -> Self {
        Self { applied: watch::Sender::new(Applied::Lost), asking: Mutex::default(), bell: Notify::new() }
    }
}

impl Follow {
    pub async fn catch_up(&self) -> Result<()> {
        timeout(CATCH_UP_MAX, async { self.reach(self.head().await?).await }).await.unwrap_or(Err(Error::Behind))
    }

    /// The store's head, asked for after this call.
    async fn head(&self) -> Result<Revision> {
        let (answer, head) = oneshot::channel();
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        if *self.applied.borrow() == Applied::Ended {
            return Err(Error::Sealed);
        }
        self.bell.notify_one();
        head.await.unwrap_or(Err(Error::Sealed))
    }

    async fn reach(&self, head: Revision) -> Result<()> {
        let mut applied = self.applied.subscribe();
        let there = applied.wait_for(|applied| match applied {
            Applied::Lost => false,
            Applied::At(revision) => *revision >= head,
            Applied::Ended => true,
        });
        match there.await.map(|applied| *applied) {
            Ok(Applied::At(_)) => Ok(()),
            _ => Err(Error::Sealed),
        }
    }

    pub fn end(&self) {
        self.applied.send_replace(Applied::Ended);
        self.take_asking().clear();
    }

    fn take_asking(&self) -> Vec<oneshot::Sender<Result<Revision>>> {
        std::mem::take(&mut *self.asking.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn applied(&self, to: Applied) {
        self.applied.send_if_modified(|applied| {
            let modified = *applied != Applied::Ended && *applied != to;
            if modified {
                *applied = to;
            }
            modified
        });
    }
}

/// Starts both tasks. They hold no session, so that sealing wipes it, and end with it.
pub(crate) fn start_following(session: &Arc<Session>, inner: &Inner) {
    let asker = ask_for_head(Arc::clone(&session.follow), Arc::clone(&inner.store));
    session.add_task(tokio::spawn(asker).abort_handle());
    let follower = Follower {
        session: Arc::downgrade(session),
        follow: Arc::clone(&session.follow),
        store: Arc::clone(&inner.store),
        rng: Arc::clone(&inner.rng),
        listeners: Arc::clone(&inner.listeners),
    };
    session.add_task(tokio::spawn(follower.run()).abort_handle());
}

/// Answers all who wait with one call each time.
async fn ask_for_head(follow: Arc<Follow>, store: Arc<dyn Store>) {
    loop {
        follow.bell.notified().await;
        let asking = follow.take_asking();
        if asking.is_empty() {
            continue;
        }
        let head = match timeout(CATCH_UP_MAX, store.head()).await {
            Ok(head) => head.map_err(Error::from),
            Err(_) => Err(Error::Behind),
        };
        for waiting in asking {
            // Who does not wait any longer needs no answer.
            let _ = waiting.send(head.clone());
        }
    }
}

/// The task that consumes the change feed.
struct Follower {
    session: Weak<Session>,
    follow: Arc<Follow>,
    store: Arc<dyn Store>,
    rng: Arc<dyn Rng>,
    listeners: Arc<Listeners>,
}

/// Why the feed is no longer consumed.
enum Interrupted {
    ByStore,
    SessionOver,
}

impl Follower {
    async fn run(self) {
        while let Interrupted::ByStore = self.follow_once().await {
            self.follow.applied(Applied::Lost);
            tracing::warn!("the store's change feed is interrupted, cached entries are dropped");
            if self.drop_all().is_none() {
                return;
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Starts at the head with nothing cached and applies what comes.
    async fn follow_once(&self) -> Interrupted {
        let Ok(from) = self.store.head().await else { return Interrupted::ByStore };
        let mut changes = self.store.watch(b"", from);
        // INVARIANT: only what is read from here on stays cached, and that is at `from` or newer.
        let Some(session) = self.drop_all() else { return Interrupted::SessionOver };
        if session.reload_keyring(&*self.store, &*self.rng).await.is_err() {
            return Interrupted::ByStore;
        }
        drop(session);
        self.follow.applied(Applied::At(from));
        while let Some(Ok(changes)) = changes.recv().await {
            if let Err(interrupted) = self.apply(&changes).await {
                return interrupted;
            }
        }
        Interrupted::ByStore
    }

    async fn apply(&self, changes: &[Change]) -> std::result::Result<(), Interrupted> {
        let session = self.session.upgrade().ok_or(Interrupted::SessionOver)?;
        session.forget(changes);
        if changes.iter().any(|change| change.key == KEYRING) {
            let reloaded = session.reload_keyring(&*self.store, &*self.rng).await;
            reloaded.map_err(|_| Interrupted::ByStore)?;
        }
        let changed = Changed::new(changes);
        self.listeners.changed(changed);
        self.follow.applied(Applied::At(changed.revision()));
        Ok(())
    }

    fn drop_all(&self) -> Option<Arc<Session>> {
        let session = self.session.upgrade()?;
        session.cache.clear();
        self.listeners.lost();
        Some(session)
    }
}
