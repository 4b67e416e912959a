//! Leases: made, found, renewed and ended here and nowhere else. A lease never outlives its token or its mount; whoever asked for
//! its end need not ask again, whatever its engine or a crash does.

mod backoff;
mod commits;
mod counts;
mod due;
mod end;
mod entry;
pub mod find;
pub mod irrevocable;
pub mod jobs;
mod lanes;
mod pass;
mod register;
mod removal;
mod renew;
pub mod revoke;
mod walk;

pub use entry::{LeaseEntry, due_index, token_area};
pub use register::register;
pub use removal::Removal;
pub use renew::renew;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use strongroom_engine::Result;
use strongroom_types::Ttl;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use crate::Core;
use crate::mount::Mount;

/// Calls that wait for an upstream at once: of one mount, and of all.
const PLACES_PER_MOUNT: usize = 8;
const PLACES: usize = 128;
/// Lanes that work on large pages at once.
const BULK_LANES: usize = 4;
const COUNT_EVERY: Duration = Duration::from_secs(3600);

/// A lease as the envelope shows it.
#[derive(Debug)]
pub struct LeaseView {
    pub id: String,
    pub renewable: bool,
    /// Left at this moment.
    pub ttl: Ttl,
}

/// A lease that was made or renewed, and what the caller should be told beside it.
pub struct Registered {
    pub view: LeaseView,
    pub warning: Option<String>,
}

/// What is in memory of leases: nothing that grows with their number.
pub struct Leases {
    pub counts: counts::Counts,
    due: due::Due,
    lane_bell: Arc<Notify>,
    job_bell: Arc<Notify>,
    job_done: Notify,
    places: Mutex<HashMap<String, Weak<Semaphore>>>,
    all_places: Arc<Semaphore>,
    bulk: Semaphore,
}

impl Default for Leases {
    fn default() -> Self {
        Self {
            counts: counts::Counts::default(),
            due: due::Due::default(),
            lane_bell: Arc::default(),
            job_bell: Arc::default(),
            job_done: Notify::new(),
            places: Mutex::default(),
            all_places: Arc::new(Semaphore::new(PLACES)),
            bulk: Semaphore::new(BULK_LANES),
        }
    }
}

impl Leases {
    /// The places of a mount's upstream; they last as long as somebody holds them.
    fn places(&self, mount: &str) -> Arc<Semaphore> {
        let mut known = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = known.get(mount).and_then(Weak::upgrade) {
            return places;
        }
        known.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(PLACES_PER_MOUNT));
        known.insert(mount.to_owned(), Arc::downgrade(&places));
        places
    }

    fn all_places(&self) -> Arc<Semaphore> {
        self.all_places.clone()
    }

    /// A key changed, on this node or another. Called in commit order, before the change is acknowledged; must be quick.
    pub fn changed(&self, core: &Core, key: &[u8], is_put: bool) {
        match key.split_first_chunk::<2>() {
            Some((b"v/", _)) => {
                self.counts.lease_changed(key, is_put);
                if let Some((mount, at, _)) = entry::read_due_key(key).filter(|_| is_put) {
                    self.due.note(mount, at);
                    if at <= core.clock.now() {
                        self.lane_bell.notify_one();
                    }
                }
            }
            Some((b"l/", _)) if !is_put => self.counts.ended(),
            Some((b"z/", _)) => self.counts.irrevocable_changed(key, is_put),
            Some((b"i/", _)) if is_put && jobs::is_job(key) => self.job_bell.notify_one(),
            _ => {}
        }
    }

    /// Changes were missed.
    pub fn lost(&self) {
        self.due.lost();
        self.lane_bell.notify_one();
        self.job_bell.notify_one();
    }

    /// Looks for what is due at once instead of within a second.
    pub fn wake(&self) {
        self.lane_bell.notify_one();
        self.job_bell.notify_one();
    }
}

/// Starts the background work of an unsealed core. It ends with the core.
pub fn start(core: &Arc<Core>) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(lanes::run(Arc::downgrade(core))),
        tokio::spawn(jobs::run(Arc::downgrade(core))),
        tokio::spawn(count_now_and_then(Arc::downgrade(core))),
    ]
}

async fn count_now_and_then(weak: Weak<Core>) {
    while let Some(core) = weak.upgrade() {
        if let Err(e) = core.leases.counts.walk(&core.view).await {
            tracing::warn!("leases: counting: {e}");
        }
        drop(core);
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

/// The mount behind a storage id, ready to be asked: a live one, or one that is being removed.
pub async fn mount_of(core: &Core, storage_id: &str) -> Result<Option<Arc<Mount>>> {
    let table = core.mounts.current().await?;
    if let Some(mount) = table.by_storage(storage_id) {
        return Ok(Some(mount.clone()));
    }
    drop(table);
    removal::mount(core, storage_id).await
}
