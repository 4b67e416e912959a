//! A body that is handed to its handler piece by piece: never more than one piece in memory, and each in its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use strongroom_core::wire::{BrokenOff, Pieces};
use strongroom_types::BoxFuture;
use tokio::time::timeout;

/// From the end of the headers to the answer of a request with such a body; its pieces have a deadline each.
pub(crate) const UPLOAD_TIMEOUT: Duration = Duration::from_secs(6 * 3600);

pub(crate) struct Incremental {
    body: Incoming,
    patience: Duration,
    ended: Arc<AtomicBool>,
}

impl Incremental {
    /// `patience`: longest wait for one piece. The flag tells whether all was read.
    pub(crate) fn new(body: Incoming, patience: Duration) -> (Self, Arc<AtomicBool>) {
        let ended = Arc::new(AtomicBool::new(hyper::body::Body::is_end_stream(&body)));
        (Self { body, patience, ended: Arc::clone(&ended) }, ended)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, BrokenOff> {
        loop {
            match timeout(self.patience, self.body.frame()).await.map_err(|_| BrokenOff)? {
                None => {
                    self.ended.store(true, Ordering::Release);
                    return Ok(None);
                }
                Some(Err(_)) => return Err(BrokenOff),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => return Ok(Some(piece)),
                    _ => {}
                },
            }
        }
    }
}

impl Pieces for Incremental {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, BrokenOff>> {
        Box::pin(self.piece())
    }
}
