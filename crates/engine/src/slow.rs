//! Work that takes long on a processor (password hashes, RSA keys) runs beside the request threads, at most so many at
//! once and so many waiting: what is beyond is refused at once instead of queueing without bound. Its threads are its own, so
//! that they can be given a lower priority than those that serve everybody else.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use tokio::sync::oneshot;

use crate::{Error, Result};

/// Waiting works for each that runs.
const WAITING_PER_RUNNING: usize = 64;

type Work = Box<dyn FnOnce() + Send>;

/// A handle; clones share the bound.
#[derive(Clone)]
pub struct SlowPool(Arc<Inner>);

struct Inner {
    running: usize,
    /// Each thread calls it first.
    on_start: fn(),
    /// To the threads, which start with the first work and end with the pool.
    works: OnceLock<mpsc::Sender<Work>>,
    /// Running and waiting.
    taken: AtomicUsize,
    taken_max: usize,
}

impl SlowPool {
    /// At most `running` at once; each thread calls `on_start` first.
    pub fn new(running: usize, on_start: fn()) -> Self {
        let running = running.max(1);
        let taken_max = running.saturating_mul(WAITING_PER_RUNNING.saturating_add(1));
        Self(Arc::new(Inner { running, on_start, works: OnceLock::new(), taken: AtomicUsize::new(0), taken_max }))
    }

    /// Half of the processors: password hashing must not starve other requests.
    pub fn for_this_machine(on_start: fn()) -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, |n| n.get() / 2), on_start)
    }

    /// Runs `work` on a thread of the pool. It goes on when the caller no longer waits, and its place stays taken until it
    /// is done. Errors: `Unavailable` when too much waits.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let place = Place::take(self.0.clone())?;
        let (done, result) = oneshot::channel();
        let work = move || {
            let _place = place;
            let _ = done.send(work()); // nobody may wait any more
        };
        let works = self.0.works.get_or_init(|| self.0.start());
        works.send(Box::new(work)).map_err(|_| Error::Internal("the threads for slow work could not be started".into()))?;
        result.await.map_err(|_| Error::Internal("slow work ended without a result".into()))
    }
}

impl Inner {
    fn start(&self) -> mpsc::Sender<Work> {
        let (works, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..self.running {
            let (queue, on_start) = (queue.clone(), self.on_start);
            let thread = std::thread::Builder::new().name("slow".into());
            // Where none can be started, nobody takes work and `run` tells.
            let _ = thread.spawn(move || {
                on_start();
                // The lock is held while one waits, and free while it works.
                while let Some(work) = next(&queue) {
                    // Unwind safety: what the work shared is dropped with it; its caller gets an error.
                    let _ = std::panic::catch_unwind(AssertUnwindSafe(work));
                }
            });
        }
        works
    }
}

/// None when the pool is gone.
fn next(queue: &Mutex<mpsc::Receiver<Work>>) -> Option<Work> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
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
        let pool = SlowPool::new(1, || ());
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

    #[tokio::test]
    async fn a_panic_ends_one_work_and_no_thread() {
        let pool = SlowPool::new(1, || ());
        for _ in 0..3 {
            let panicking: Result<u8> = pool.run(|| panic!("of a test")).await;
            assert!(matches!(panicking, Err(Error::Internal(_))));
        }
        assert_eq!(pool.run(|| 7u8).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn threads_are_prepared_once_and_as_many_as_may_run() {
        static PREPARED: AtomicUsize = AtomicUsize::new(0);
        let pool = SlowPool::new(2, || {
            PREPARED.fetch_add(1, Ordering::AcqRel);
        });
        for n in 0..20 {
            assert_eq!(pool.run(move || n).await.unwrap(), n);
        }
        while PREPARED.load(Ordering::Acquire) < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(PREPARED.load(Ordering::Acquire), 2);
    }
}
