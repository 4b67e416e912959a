//! Work that takes long on a processor (password hashes, RSA keys) runs beside the request threads, at most so many at
//! once and so many waiting: what is beyond is refused at once instead of queueing without bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::{Error, Result};

/// Waiting works for each that runs.
const WAITING_PER_RUNNING: usize = 64;

/// A handle; clones share the bound.
#[derive(Clone)]
pub struct SlowPool(Arc<Inner>);

struct Inner {
    running: Arc<Semaphore>,
    /// Running and waiting.
    taken: AtomicUsize,
    taken_max: usize,
}

impl SlowPool {
    /// At most `running` at once.
    pub fn new(running: usize) -> Self {
        let running = running.max(1);
        let taken_max = running.saturating_mul(WAITING_PER_RUNNING.saturating_add(1));
        Self(Arc::new(Inner { running: Arc::new(Semaphore::new(running)), taken: AtomicUsize::new(0), taken_max }))
    }

    /// Half of the processors: password hashing must not starve other requests.
    pub fn for_this_machine() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, |n| n.get() / 2))
    }

    /// Runs `work` on a thread of its own. It goes on when the caller no longer waits, and its place stays taken until it
    /// is done. Errors: `Unavailable` when too much waits.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let place = Place::take(self.0.clone())?;
        let permit = self.0.running.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::Internal("the pool for slow work is closed".into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let (_place, _permit) = (place, permit);
            work()
        });
        done.await.map_err(|_| Error::Internal("slow work ended without a result".into()))
    }
}

/// One of the bounded places; given back on drop.
struct Place(Arc<Inner>);

impl Place {
    fn take(inner: Arc<Inner>) -> Result<Self> {
        let before = inner.taken.fetch_add(1, Ordering::AcqRel);
        let max = inner.taken_max;
        let place = Self(inner);
        if before >= max {
            Err(Error::Unavailable("too many logins or key generations wait, try again".into()))
        } else {
            Ok(place)
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_beyond_the_bound_is_refused_and_places_come_back() {
        let pool = SlowPool::new(1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let held = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || wait.recv().is_ok()).await }
        });
        while pool.0.taken.load(Ordering::Acquire) == 0 {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (0..WAITING_PER_RUNNING)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { pool.run(|| ()).await })
            })
            .collect();
        while pool.0.taken.load(Ordering::Acquire) <= WAITING_PER_RUNNING {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(|| ()).await, Err(Error::Unavailable(_))));
        release.send(()).unwrap();
        assert!(held.await.unwrap().unwrap());
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert_eq!(pool.0.taken.load(Ordering::Acquire), 0);
    }
}
