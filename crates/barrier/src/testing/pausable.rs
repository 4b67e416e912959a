//! A store whose reads, heads, commits and change feed can be held up, so that tests decide who comes first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use strongroom_storage::{Batch, ChangeStream, Error, Publish, Record, Result, Revision, Store};
use strongroom_types::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};

type Answer = oneshot::Sender<Result<Revision>>;
type Feed = mpsc::Sender<Result<Arc<[strongroom_storage::Change]>>>;

pub(crate) struct PausableStore {
    inner: Arc<dyn Store>,
    /// What was read waits here before it is handed over.
    pub gets: watch::Sender<bool>,
    pub heads: watch::Sender<bool>,
    pub head_calls: AtomicU64,
    queue: Mutex<Option<Vec<(Batch, Answer)>>>,
    feeds: Mutex<Vec<Feed>>,
}

async fn pass(gate: &watch::Sender<bool>) {
    gate.subscribe().wait_for(|open| *open).await.unwrap();
}

impl PausableStore {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gets: watch::Sender::new(true),
            heads: watch::Sender::new(true),
            head_calls: AtomicU64::new(0),
            queue: Mutex::default(),
            feeds: Mutex::default(),
        })
    }

    /// From now on commits wait in a queue.
    pub fn hold_commits(&self) {
        *self.queue.lock().unwrap() = Some(Vec::new());
    }

    pub fn held_commits(&self) -> usize {
        self.queue.lock().unwrap().as_ref().map_or(0, Vec::len)
    }

    /// Applies what waits, in order, each judged when its turn comes.
    pub async fn release_commits(&self) {
        let queue = self.queue.lock().unwrap().take().unwrap_or_default();
        for (batch, answer) in queue {
            let _ = answer.send(self.inner.commit(batch).await);
        }
    }

    /// Ends all change feeds with an error.
    pub async fn cut_feeds(&self) {
        let feeds = std::mem::take(&mut *self.feeds.lock().unwrap());
        for feed in feeds {
            let _ = feed.send(Err(Error::Unavailable("cut".into()))).await;
        }
    }
}

impl Store for PausableStore {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Record>>> {
        Box::pin(async move {
            let record = self.inner.get(key).await;
            pass(&self.gets).await;
            record
        })
    }

    fn list<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> BoxFuture<'a, Result<Vec<Bytes>>> {
        self.inner.list(prefix, after, limit)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<(Bytes, Record)>>> {
        self.inner.scan(prefix, after, limit)
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision>> {
        Box::pin(async move {
            self.head_calls.fetch_add(1, SeqCst);
            let head = self.inner.head().await;
            pass(&self.heads).await;
            head
        })
    }

    fn is_sole_writer(&self) -> bool {
        self.inner.is_sole_writer()
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'static, Result<Revision>> {
        if let Some(queue) = &mut *self.queue.lock().unwrap() {
            let (answer, outcome) = oneshot::channel();
            queue.push((batch, answer));
            return Box::pin(async { outcome.await.unwrap() });
        }
        self.inner.commit(batch)
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> ChangeStream {
        let mut changes = self.inner.watch(prefix, from);
        let (feed, stream) = mpsc::channel(64);
        self.feeds.lock().unwrap().push(feed.clone());
        tokio::spawn(async move {
            while let Some(change) = changes.recv().await {
                if feed.send(change).await.is_err() {
                    return;
                }
            }
        });
        stream
    }

    fn queued(&self, key: &[u8]) -> Option<(Option<Bytes>, Revision)> {
        let queue = self.queue.lock().unwrap();
        let mut newest = HashMap::new();
        let mut revision = crate::testing::now_or_panic(self.inner.head()).unwrap();
        for (batch, _) in queue.as_ref()? {
            revision = Revision(revision.0.checked_add(1).unwrap());
            newest.extend(batch.puts.iter().map(|(k, v)| (k.clone(), (Some(v.clone()), revision))));
            newest.extend(batch.deletes.iter().map(|k| (k.clone(), (None, revision))));
        }
        newest.remove(key)
    }

    fn publish_to(&self, listener: Arc<dyn Publish>) {
        self.inner.publish_to(listener);
    }
}
