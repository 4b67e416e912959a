//! The cache under faults, in paused time: one flight, bounded staleness, breaker, dead tokens, clocks that jump.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use strongroom_client::{
    AfterBound, BackendError, BoxFuture, BreakerState, CacheConfig, CacheEvent, FailureKind, Fetched, MemoryBackend, Secret,
    SecretCache, SecretsBackend,
};
use tokio::time::{Instant, advance, sleep, timeout};

const MINUTE: Duration = Duration::from_secs(60);

fn secret(password: &str) -> Secret {
    Secret::from_fields([("password", password)])
}

/// The wall clock stands still unless a test moves it.
fn quiet() -> CacheConfig {
    CacheConfig { wall_clock: Arc::new(|| SystemTime::UNIX_EPOCH), ..CacheConfig::default() }
}

fn cache(config: CacheConfig) -> (Arc<MemoryBackend>, SecretCache) {
    let backend = Arc::new(MemoryBackend::default());
    backend.put("db", secret("one"));
    (backend.clone(), SecretCache::new(backend, config))
}

async fn password(cache: &SecretCache) -> Result<String, FailureKind> {
    match cache.get("db").await {
        Ok(found) => Ok(found.field("password").unwrap().to_owned()),
        Err(error) => Err(error.kind().unwrap_or(FailureKind::Unavailable)),
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tasks_make_one_flight() {
    let (backend, cache) = cache(quiet());
    backend.delay(Duration::from_millis(50));
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            tokio::spawn({
                let cache = cache.clone();
                async move { password(&cache).await }
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), "one");
    }
    assert_eq!(backend.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_value_in_use_is_refreshed_before_it_ends_and_one_that_is_not_leaves() {
    let (backend, cache) = cache(quiet());
    password(&cache).await.unwrap();
    backend.put("db", secret("two"));
    advance(2 * MINUTE).await;
    assert_eq!(password(&cache).await.unwrap(), "one", "fresh");
    sleep(2 * MINUTE).await;
    assert_eq!(password(&cache).await.unwrap(), "two", "fetched ahead");
    assert_eq!(backend.fetches(), 2);
    sleep(60 * MINUTE).await;
    assert!(cache.peek("db").is_none());
    assert!(backend.fetches() <= 3, "nobody reads: {}", backend.fetches());
    assert_eq!(format!("{cache:?}"), "SecretCache { entries: 0, .. }");
}

/// Reads each second until one fails; when the last value was given. The read that fails may wait for a fetch that is under way.
async fn served_for(cache: &SecretCache, limit: Duration) -> Duration {
    let (begin, mut last) = (Instant::now(), Duration::ZERO);
    while password(cache).await.is_ok() && last < limit {
        last = begin.elapsed();
        sleep(Duration::from_secs(1)).await;
    }
    last
}

#[tokio::test(start_paused = true)]
async fn while_the_server_is_down_a_value_is_served_up_to_the_bound_and_not_beyond() {
    for slow in [false, true] {
        let (backend, cache) = cache(quiet());
        password(&cache).await.unwrap();
        if slow {
            backend.delay(Duration::from_secs(3_600))
        } else {
            backend.fail(Some(FailureKind::Unavailable))
        }
        let served = served_for(&cache, 60 * MINUTE).await;
        assert!(served > 15 * MINUTE - Duration::from_secs(3) && served < 15 * MINUTE, "{served:?}");
        assert_ne!(cache.breaker(), BreakerState::Closed);
        backend.delay(Duration::ZERO);
        backend.fail(None);
        assert!(cache.get_within("db", MINUTE).await.is_ok(), "it recovers by itself");
        assert_eq!(cache.breaker(), BreakerState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leased_value_ends_with_its_lease_and_a_hint_makes_no_value_live_longer() {
    for after_bound in [AfterBound::Fail, AfterBound::ServeStale] {
        for (ends, ttl, least, most) in [(true, 20, 19, 20), (true, 1, 0, 1), (false, 60 * 24, 14, 15), (false, 2, 11, 12)] {
            if !ends && after_bound == AfterBound::ServeStale {
                continue;
            }
            let (backend, cache) = cache(CacheConfig { after_bound, ..quiet() });
            backend.put("db", Fetched { secret: secret("one"), ttl: Some(ttl * MINUTE), ends });
            password(&cache).await.unwrap();
            backend.fail(Some(FailureKind::Unavailable));
            let served = served_for(&cache, 120 * MINUTE).await;
            assert!(served >= least * MINUTE && served <= most * MINUTE, "{ends} {ttl}: {served:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn serving_beyond_the_bound_must_be_asked_for() {
    let (backend, cache) = cache(CacheConfig { after_bound: AfterBound::ServeStale, ..quiet() });
    password(&cache).await.unwrap();
    backend.fail(Some(FailureKind::Unavailable));
    assert!(served_for(&cache, 120 * MINUTE).await >= 120 * MINUTE);
    backend.fail(Some(FailureKind::Refused));
    sleep(MINUTE).await;
    assert_eq!(password(&cache).await, Err(FailureKind::Refused), "a refusal clears it all the same");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_clears_one_key_and_a_dead_token_all() {
    for (kind, other_stays) in [(FailureKind::Refused, true), (FailureKind::Missing, true), (FailureKind::Unauthenticated, false)]
    {
        let (backend, cache) = cache(quiet());
        backend.put("other", secret("x"));
        password(&cache).await.unwrap();
        cache.get("other").await.unwrap();
        backend.fail(Some(kind));
        assert_eq!(cache.refresh("db").await.unwrap_err().kind(), Some(kind));
        assert_eq!(password(&cache).await, Err(kind));
        assert_eq!(cache.peek("other").is_some(), other_stays, "{kind:?}");
        assert_eq!(cache.breaker(), BreakerState::Closed, "the server answered");
        backend.fail(None);
        assert!(cache.get_within("db", MINUTE).await.is_ok() || !cache.get("db").await.unwrap_err().is_transient());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_makes_a_value_older_and_never_younger() {
    let now = Arc::new(AtomicU64::new(1_000_000));
    let read = now.clone();
    let wall = move || SystemTime::UNIX_EPOCH + Duration::from_secs(read.load(Ordering::SeqCst));
    let (backend, cache) = cache(CacheConfig { wall_clock: Arc::new(wall), ..CacheConfig::default() });
    password(&cache).await.unwrap();
    backend.fail(Some(FailureKind::Unavailable));
    now.store(1_000_000 + 6 * 60, Ordering::SeqCst);
    assert!(password(&cache).await.is_ok(), "stale, within the bound");
    now.store(1_000_000 + 16 * 60, Ordering::SeqCst);
    assert_eq!(password(&cache).await, Err(FailureKind::Unavailable), "the machine slept beyond the bound");
    backend.fail(None);
    cache.get_within("db", MINUTE).await.unwrap();
    now.store(0, Ordering::SeqCst);
    backend.fail(Some(FailureKind::Unavailable));
    let served = served_for(&cache, 60 * MINUTE).await;
    assert!(served < 15 * MINUTE, "set back, {served:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_few_fetches_and_its_end_is_no_stampede() {
    let (backend, cache) = cache(quiet());
    let keys: Vec<String> = (0..200).map(|number| format!("key/{number}")).collect();
    keys.iter().for_each(|key| backend.put(key, secret("v")));
    backend.fail(Some(FailureKind::Unavailable));
    for _ in 0..600 {
        for key in &keys {
            let _unavailable = timeout(Duration::from_millis(1), cache.get(key)).await;
        }
    }
    let during = backend.fetches();
    assert!(during < 1_500, "{during} fetches of 120,000 reads");
    backend.fail(None);
    backend.delay(Duration::from_millis(20));
    for key in &keys {
        cache.get_within(key, MINUTE).await.unwrap();
    }
    assert!(backend.concurrent_max() <= 16, "{}", backend.concurrent_max());
    assert!(backend.fetches() - during <= 2 * keys.len(), "{}", backend.fetches() - during);
}

#[tokio::test(start_paused = true)]
async fn changes_reach_watches_and_callbacks_and_refreshes_share_a_flight() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = events.clone();
    let metrics = move |event: CacheEvent| kept.lock().unwrap().push(event);
    let (backend, cache) = cache(CacheConfig { metrics: Some(Arc::new(metrics)), ..quiet() });
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let guard = cache
        .on_change("db", move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .await
        .unwrap();
    let mut watch = cache.watch("db").await.unwrap();
    backend.put("db", secret("two"));
    let refreshes: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let cache = cache.clone();
                async move { cache.refresh("db").await }
            })
        })
        .collect();
    for refresh in refreshes {
        assert_eq!(refresh.await.unwrap().unwrap().field("password"), Some("two"));
    }
    assert!(backend.fetches() <= 3, "{}", backend.fetches());
    assert_eq!(watch.changed().await.field("password"), Some("two"));
    cache.refresh("db").await.unwrap();
    assert!(timeout(MINUTE, watch.changed()).await.is_err(), "the same content is no change");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    drop(guard);
    assert!(events.lock().unwrap().iter().any(|event| matches!(event, CacheEvent::Fetched { changed: false, .. })));
}

struct Panics;

impl SecretsBackend for Panics {
    fn fetch<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Fetched, BackendError>> {
        Box::pin(async { panic!("a defect of the backend") })
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_panics_is_an_error() {
    let cache = SecretCache::new(Panics, quiet());
    assert_eq!(cache.get("x").await.unwrap_err().kind(), Some(FailureKind::Invalid));
}
