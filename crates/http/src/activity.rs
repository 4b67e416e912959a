//! What one connection is doing, and until when it may: waiting for a first request, in the middle of a head, working, idle,
//! or lingering. One watch for both protocols and for the time before the protocol is known; hyper's own header timeout would
//! also end idle connections and costs a timer per request. Written by the connection's I/O and requests, read by its task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::config::Limits;
use crate::counters::Counters;

/// How long a connection whose body was refused unread may still bring the rest of it, so that the refusal can be read.
const LINGER: Duration = Duration::from_secs(2);

/// A moment as milliseconds since the connection opened, plus one; zero is "not now".
type Moment = AtomicU64;

/// Lives as long as the connection or any handler that it started, and holds the connection's slot all that time.
#[derive(Debug)]
pub(crate) struct Activity {
    opened: Instant,
    handlers: AtomicU32,
    served: AtomicBool,
    http2: AtomicBool,
    idle_since: Moment,
    head_since: Moment,
    linger_since: Moment,
    _slot: OwnedSemaphorePermit,
}

impl Activity {
    pub(crate) fn new(slot: OwnedSemaphorePermit) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            handlers: AtomicU32::new(0),
            served: AtomicBool::new(false),
            http2: AtomicBool::new(false),
            idle_since: Moment::new(0),
            head_since: Moment::new(0),
            linger_since: Moment::new(0),
            _slot: slot,
        })
    }

    /// Bytes came in. Between requests they are the beginning of a head.
    pub(crate) fn bytes_came(&self, now: Instant) {
        if self.handlers.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.moment(now), Ordering::Relaxed);
        }
    }

    /// A head is complete. The guard ends the request.
    pub(crate) fn begin(self: &Arc<Self>, http2: bool) -> Working {
        self.http2.store(http2, Ordering::Relaxed);
        self.served.store(true, Ordering::Relaxed);
        self.handlers.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        Working { activity: Arc::clone(self), timed: None }
    }

    /// Requests that are worked on, those whose client has gone included.
    pub(crate) fn working(&self) -> u32 {
        self.handlers.load(Ordering::Acquire)
    }

    /// A body was refused before all of it was read: the connection will end, but not abruptly.
    pub(crate) fn linger(&self, now: Instant) {
        self.linger_since.store(self.moment(now), Ordering::Relaxed);
    }

    pub(crate) fn lingers(&self) -> bool {
        self.linger_since.load(Ordering::Relaxed) != 0
    }

    /// Between requests, with nothing begun: worth a polite end. Everything else that is overdue is cut.
    pub(crate) fn is_idle(&self) -> bool {
        let head_begun = self.head_since.load(Ordering::Relaxed) != 0 && !self.http2.load(Ordering::Relaxed);
        self.served.load(Ordering::Relaxed) && !head_begun && !self.lingers()
    }

    /// When the connection is to end if nothing happens; None while a request is worked on, which has its own deadline.
    pub(crate) fn due(&self, limits: &Limits) -> Option<Instant> {
        if let Some(since) = self.at(&self.linger_since) {
            return since.checked_add(LINGER);
        }
        if self.working() > 0 {
            return None;
        }
        if !self.served.load(Ordering::Relaxed) {
            return self.opened.checked_add(limits.header_timeout);
        }
        // HTTP/2 connections bring pings and settings between requests; their heads are bounded by the idle time.
        match self.at(&self.head_since).filter(|_| !self.http2.load(Ordering::Relaxed)) {
            Some(since) => since.checked_add(limits.header_timeout),
            None => self.at(&self.idle_since).unwrap_or(self.opened).checked_add(limits.idle_timeout),
        }
    }

    fn ended(&self, now: Instant) {
        self.idle_since.store(self.moment(now), Ordering::Relaxed);
        // Release, so that whoever sees no handler also sees since when.
        self.handlers.fetch_sub(1, Ordering::Release);
    }

    fn moment(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.opened).as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn at(&self, moment: &Moment) -> Option<Instant> {
        let ms = moment.load(Ordering::Relaxed).checked_sub(1)?;
        self.opened.checked_add(Duration::from_millis(ms))
    }
}

/// One request that is worked on.
#[derive(Debug)]
pub(crate) struct Working {
    activity: Arc<Activity>,
    timed: Option<(Instant, Arc<Counters>)>,
}

impl Working {
    /// Its time from `started` to its end is counted.
    pub(crate) fn timed(self, started: Instant, counters: Arc<Counters>) -> Self {
        let mut working = self;
        working.timed = Some((started, counters));
        working
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let now = Instant::now();
        self.activity.ended(now);
        if let Some((started, counters)) = &self.timed {
            counters.add_served(now.saturating_duration_since(*started));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::time::Instant;

    use super::{Activity, LINGER};
    use crate::config::Limits;

    struct Watched(Arc<Activity>);

    impl Watched {
        fn new() -> Self {
            Self(Activity::new(Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()))
        }

        fn at(&self, seconds: u64) -> Instant {
            self.0.opened.checked_add(Duration::from_secs(seconds)).unwrap()
        }

        fn serves(&self, http2: bool, ends_at: u64) {
            std::mem::forget(self.0.begin(http2));
            self.0.ended(self.at(ends_at));
        }

        /// Seconds since the connection opened.
        fn due(&self) -> Option<u64> {
            let header_timeout = Duration::from_secs(10);
            let limits = Limits { header_timeout, idle_timeout: Duration::from_secs(300), ..Limits::default() };
            self.0.due(&limits).map(|due| due.duration_since(self.0.opened).as_secs())
        }
    }

    #[test]
    fn the_first_request_has_the_header_time_whatever_trickles_in() {
        let watched = Watched::new();
        watched.0.bytes_came(watched.at(4));
        assert_eq!(watched.due(), Some(10));
    }

    #[test]
    fn work_has_no_deadline_here_and_idling_begins_after_it() {
        let watched = Watched::new();
        let working = watched.0.begin(false);
        assert_eq!((watched.due(), watched.0.working()), (None, 1));
        drop(working);
        assert_eq!((watched.due(), watched.0.working()), (Some(300), 0));
        watched.serves(false, 7);
        assert_eq!((watched.due(), watched.0.working()), (Some(307), 0));
        assert!(watched.0.is_idle());
    }

    #[test]
    fn a_later_head_has_the_header_time_from_its_first_byte() {
        let watched = Watched::new();
        watched.serves(false, 1);
        watched.0.bytes_came(watched.at(100));
        watched.0.bytes_came(watched.at(105));
        assert_eq!(watched.due(), Some(110));
        assert!(!watched.0.is_idle());
    }

    #[test]
    fn pings_do_not_shorten_an_http2_connection() {
        let watched = Watched::new();
        watched.serves(true, 0);
        watched.0.bytes_came(watched.at(50));
        assert_eq!(watched.due(), Some(300));
        assert!(watched.0.is_idle());
    }

    #[test]
    fn lingering_ends_soon_even_while_a_request_is_worked_on() {
        let watched = Watched::new();
        let _working = watched.0.begin(false);
        watched.0.linger(watched.at(0));
        assert_eq!(watched.due(), Some(LINGER.as_secs()));
    }
}
