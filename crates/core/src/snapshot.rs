//! Snapshots of the store: taken from a running server, and put in its place. A restore is judged, recorded and answered like
//! any request; only then the server closes, the store is replaced in one step, and the server opens as after an unseal, so
//! that nothing it knew from before is left (docs/decisions/0019-snapshots.md).

use std::io::Write as _;

use bytes::Bytes;
use strongroom_barrier::{Areas, Barrier, Checked, Error as BarrierError, Keys, Saved, Scratch};
use strongroom_engine::{Error, Result};
use strongroom_types::Timestamp;

use crate::bare::STRONGROOM_VERSION;
use crate::wire::{Answer, Method, Pieces};

/// Bytes gathered before they are written away.
const PIECE_BYTES: usize = 1 << 20;

/// The heads of this machine's audit logs are facts of this machine; what is kept about unseal keys belongs to them.
const AREAS: Areas = Areas { local: &[b"a/"], of_keys: &[b"k/"] };

/// Paths whose body is a snapshot. Their routes are judged as all others; this only keeps it out of memory.
const UPLOADS: &[&str] = &[
    "sys/storage/snapshot",
    "sys/storage/snapshot-force",
    "sys/storage/snapshot-verify",
    "sys/storage/raft/snapshot",
    "sys/storage/raft/snapshot-force",
];

pub fn takes_upload(method: Method, path: &str) -> bool {
    method == Method::Write && UPLOADS.contains(&path)
}

pub async fn take(barrier: &Barrier, now: Timestamp) -> Result<Saved> {
    let barrier = barrier.clone();
    blocking(move || barrier.save_snapshot(STRONGROOM_VERSION, now)).await
}

/// Takes an upload in and verifies it. Nothing changes.
pub async fn receive(barrier: &Barrier, mut pieces: Box<dyn Pieces>, keys: Keys) -> Result<Checked> {
    let room = barrier.clone();
    let mut file = blocking(move || room.snapshot_room()).await?;
    let mut gathered = Vec::with_capacity(PIECE_BYTES);
    loop {
        let piece = pieces.next().await.map_err(|_| Error::invalid("the snapshot broke off, or came too slowly"))?;
        gathered.extend_from_slice(piece.as_deref().unwrap_or_default());
        if gathered.len() >= PIECE_BYTES || piece.is_none() {
            (file, gathered) = write_away(file, gathered).await?;
        }
        if piece.is_none() {
            break;
        }
    }
    let barrier = barrier.clone();
    blocking(move || barrier.check_snapshot(file, keys)).await
}

async fn write_away(mut file: Box<dyn Scratch>, bytes: Vec<u8>) -> Result<(Box<dyn Scratch>, Vec<u8>)> {
    blocking(move || {
        let written = file.write_all(&bytes);
        let mut bytes = bytes;
        bytes.clear();
        written.map(|()| (file, bytes)).map_err(|e| BarrierError::Snapshot(format!("the disk beside the data: {e}")))
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::result::Result<T, BarrierError> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Error::Internal(format!("a snapshot: {e}")))?;
    done.map_err(|error| match error {
        BarrierError::Snapshot(_) | BarrierError::ForeignSnapshot | BarrierError::NoSnapshots => {
            Error::invalid(error.to_string())
        }
        other => other.into(),
    })
}

impl crate::Server {
    /// Carries out a restore whose answer is recorded. The answer leaves only when all of it went well.
    pub(crate) async fn restore(&self, checked: Checked, answer: Answer) -> Answer {
        let digest = checked.header().sha256.clone();
        let restored = {
            let _turn = self.turn.lock().await;
            self.close_core().await;
            self.barrier.restore(checked, AREAS).await
        };
        let opened = self.open().await;
        match (restored, opened) {
            (Ok(revision), Ok(())) => {
                tracing::info!(sha256 = digest, revision = revision.0, sealed = self.barrier.is_sealed(), "snapshot restored");
                answer
            }
            (Ok(_), Err(error)) => failure("the snapshot was restored, but the server does not open: its log says why", &error),
            (Err(error), _) => failure("the snapshot was not restored: the server's log says why", &error),
        }
    }
}

fn failure(text: &str, error: &dyn std::fmt::Display) -> Answer {
    tracing::error!("{text}: {error}");
    Answer::errors(500, &[text])
}

/// A body in memory, as tests bring it.
pub struct InMemory(Option<Bytes>);

impl InMemory {
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }
}

impl Pieces for InMemory {
    fn next(&mut self) -> strongroom_types::BoxFuture<'_, std::result::Result<Option<Bytes>, crate::wire::BrokenOff>> {
        let piece = self.0.take();
        Box::pin(std::future::ready(Ok(piece)))
    }
}
