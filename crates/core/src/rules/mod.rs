//! What operators set for the headers of all requests and answers: CORS, headers of pages, headers in the audit log. One
//! document each in the store, read again by the first request after a change, on every node.

mod audited;
mod cors;
mod name;
mod page;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use serde::de::DeserializeOwned;
use strongroom_barrier::View;
use strongroom_engine::{Key, Result};

pub use audited::{Audited, Found, is_credential};
pub use cors::{Cors, Crossing, judge};
pub use name::{check_name, check_value};
pub use page::{CSP, PageHeaders};

pub fn cors_key() -> Key {
    Key::area("s").name("cors")
}

pub fn page_key() -> Key {
    Key::area("s").name("page-headers")
}

pub fn audited_key() -> Key {
    Key::area("s").name("audited-headers")
}

/// The three documents as of one moment.
#[derive(Default)]
pub struct Loaded {
    epoch: u64,
    /// None: switched off.
    pub cors: Option<Cors>,
    pub page: PageHeaders,
    pub audited: Audited,
}

pub struct Rules {
    view: View,
    loaded: ArcSwap<Loaded>,
    epoch: AtomicU64,
    loading: tokio::sync::Mutex<()>,
}

impl Rules {
    pub fn new(view: View) -> Self {
        Self {
            view,
            loaded: ArcSwap::from_pointee(Loaded::default()),
            epoch: AtomicU64::new(1),
            loading: tokio::sync::Mutex::new(()),
        }
    }

    /// As of the newest change that this node knows of.
    pub async fn current(&self) -> Result<Guard<Arc<Loaded>>> {
        let loaded = self.loaded.load();
        if loaded.epoch == self.epoch.load(Ordering::Acquire) {
            return Ok(loaded);
        }
        let _one_at_a_time = self.loading.lock().await;
        let epoch = self.epoch.load(Ordering::Acquire);
        if self.loaded.load().epoch != epoch {
            let loaded = Box::pin(self.load(epoch)).await?;
            self.loaded.store(Arc::new(loaded));
        }
        Ok(self.loaded.load())
    }

    /// As `current`, or what was known last when the store can't be asked: a record of the audit log must not fail for it.
    pub async fn known(&self) -> Guard<Arc<Loaded>> {
        match self.current().await {
            Ok(loaded) => loaded,
            Err(e) => {
                tracing::warn!("header rules can't be read again: {e}");
                self.loaded.load()
            }
        }
    }

    async fn load(&self, epoch: u64) -> Result<Loaded> {
        // SECURITY: damaged CORS rules stay switched on and allow nobody.
        let cors = self.document(&cors_key()).await?.map(Option::unwrap_or_default);
        let page = self.document(&page_key()).await?.flatten().unwrap_or_default();
        let audited = self.document(&audited_key()).await?.flatten().unwrap_or_default();
        Ok(Loaded { epoch, cors, page, audited })
    }

    /// The outer None: there is none. The inner None: it is damaged, which one broken document must not make of every request.
    async fn document<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Option<T>>> {
        let found = match self.view.get(key.as_bytes()).await {
            Ok(found) => found,
            Err(e @ strongroom_barrier::Error::Corrupt { .. }) => {
                tracing::error!("header rules are damaged, write them again: {e}");
                return Ok(Some(None));
            }
            Err(e) => return Err(e.into()),
        };
        let Some(entry) = found else { return Ok(None) };
        let parsed = serde_json::from_slice(entry.value());
        if parsed.is_err() {
            tracing::error!(key = %key.as_bytes().escape_ascii(), "header rules are damaged, write them again");
        }
        Ok(Some(parsed.ok()))
    }

    /// Some rule changed. Called in commit order, before the change is acknowledged.
    pub fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}
