//! Walks over the leases of a path, of a mount or of a token, a page at a time in key order.

use std::sync::Arc;

use bytes::Bytes;
use strongroom_barrier::{Intent, View};
use strongroom_engine::{Key, Result};

use super::entry::{self, due_index, read_due_key, token_index};
use super::find::{Found, Looked, look};

/// Entries read in one go: few, because reading them takes a thread that serves requests.
pub const READ: usize = 256;
/// Reads in one page: leases that are ended together share commits.
const READS_PER_PAGE: usize = 4;

pub enum Over {
    /// Leases below a path, which ends in a slash.
    Path(String),
    /// Leases of the mount with this storage id.
    Mount(String),
    /// Leases of a token.
    Token(String),
}

pub struct Walk {
    over: Over,
    after: Option<Bytes>,
}

/// A page. Empty and `is_last` only at the end.
#[derive(Default)]
pub struct Page {
    pub found: Vec<Found>,
    /// Ids of leases whose records are damaged.
    pub damaged: Vec<String>,
    pub is_last: bool,
}

impl Walk {
    pub fn new(over: Over) -> Self {
        Self { over, after: None }
    }

    pub async fn next(&mut self, view: &View) -> Result<Page> {
        let mut page = Page { is_last: true, ..Page::default() };
        for _ in 0..READS_PER_PAGE {
            let some = self.read(view).await?;
            if some.is_last {
                break;
            }
            page.is_last = false;
            page.found.extend(some.found);
            page.damaged.extend(some.damaged);
            tokio::task::yield_now().await;
        }
        Ok(page)
    }

    async fn read(&mut self, view: &View) -> Result<Page> {
        match &self.over {
            Over::Path(path) => {
                let area = entry::key(path);
                self.records(view, &area).await
            }
            Over::Mount(mount) => {
                let area = due_index(mount);
                self.index(view, &area, |key| read_due_key(key).map(|(_, _, id)| id)).await
            }
            Over::Token(family) => {
                let area = token_index(family);
                let length = area.as_bytes().len();
                self.index(view, &area, |key| std::str::from_utf8(key.get(length..)?).ok()).await
            }
        }
    }

    /// The records themselves lie in path order.
    async fn records(&mut self, view: &View, area: &Key) -> Result<Page> {
        let records = view.scan(area.as_bytes(), self.after.as_deref(), READ).await?;
        let mut page = Page { is_last: records.is_empty(), ..Page::default() };
        self.after = records.last().map(|(key, _)| key.clone()).or(self.after.take());
        for (key, record) in records {
            let Some(id) = key.strip_prefix(b"l/").and_then(|id| std::str::from_utf8(id).ok()) else { continue };
            match record.map(|record| Found::read(id, Arc::new(record))) {
                Ok(Ok(found)) => page.found.push(found),
                Ok(Err(_)) | Err(strongroom_barrier::Error::Corrupt { .. }) => page.damaged.push(id.to_owned()),
                Err(other) => return Err(other.into()),
            }
        }
        Ok(page)
    }

    async fn index(&mut self, view: &View, area: &Key, id_of: impl Fn(&[u8]) -> Option<&str>) -> Result<Page> {
        let keys = view.keys(area.as_bytes(), self.after.as_deref(), READ).await?;
        let mut page = Page { is_last: keys.is_empty(), ..Page::default() };
        self.after = keys.last().cloned().or(self.after.take());
        let mut stale = Vec::new();
        for key in &keys {
            let Some(id) = id_of(key) else { continue };
            match look(view, id).await? {
                Looked::Found(found) => page.found.push(found),
                Looked::Damaged => page.damaged.push(id.to_owned()),
                Looked::Gone => stale.push(key.clone()),
            }
        }
        forget(view, &stale).await?;
        Ok(page)
    }
}

/// Deletes index entries whose lease is gone. An entry is only ever made with its lease, so none of them comes to use again.
pub async fn forget(view: &View, stale: &[Bytes]) -> Result<()> {
    for some in stale.chunks(90) {
        let mut txn = view.txn(Intent::Write);
        some.iter().for_each(|key| txn.delete(key.clone()));
        txn.commit().await?;
    }
    Ok(())
}
