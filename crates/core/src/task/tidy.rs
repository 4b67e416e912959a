//! Compares the indexes of tokens with their records, on request: what damage, a restore or a defect left dangling is taken
//! away, what is missing is put back. Works through the whole store in pages and notes how far it came, so that a restart goes
//! on from there.

mod mend;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_barrier::Intent;
use strongroom_engine::{Ctx, Key, Result};

use crate::Core;

/// Entries looked at together.
const PAGE: usize = 200;
/// Pages after which the progress is stored and logged.
const PAGES_PER_NOTE: usize = 50;

/// How far it came. Stored from the request until it is done.
#[derive(Serialize, Deserialize, Default, Debug)]
struct Progress {
    phase: Phase,
    /// Hex of the last key of this phase that was looked at; empty at its start.
    after: String,
    looked_at: u64,
    mended: u64,
}

/// What is compared, in this order: records first, since the indexes are judged by them.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    #[default]
    Records,
    Children,
    Expiry,
    ChosenIds,
    PrivateEntries,
}

impl Phase {
    fn area(self) -> Key {
        Key::area(match self {
            Self::Records => "t",
            Self::Children => "p",
            Self::Expiry => "x",
            Self::ChosenIds => "n",
            Self::PrivateEntries => "c",
        })
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Records => Some(Self::Children),
            Self::Children => Some(Self::Expiry),
            Self::Expiry => Some(Self::ChosenIds),
            Self::ChosenIds => Some(Self::PrivateEntries),
            Self::PrivateEntries => None,
        }
    }
}

fn key() -> Key {
    Key::area("i").name("tidy")
}

/// Asks for it, in the caller's transaction. False when it runs already.
pub async fn request(ctx: &mut Ctx) -> Result<bool> {
    if ctx.get(&key()).await?.is_some() {
        return Ok(false);
    }
    ctx.save(key(), &Progress::default())?;
    Ok(true)
}

/// Does what was asked for, to its end. Nothing when nothing was.
pub async fn run(core: &Arc<Core>) -> Result<()> {
    let Some(found) = core.view.get(key().as_bytes()).await? else { return Ok(()) };
    // What cannot be read is begun anew.
    let mut progress: Progress = serde_json::from_slice(found.value()).unwrap_or_default();
    tracing::info!(phase = ?progress.phase, looked_at = progress.looked_at, "tidying tokens");
    loop {
        while pages(core, &mut progress).await? {
            note(core, Some(&progress)).await?;
            tracing::info!(phase = ?progress.phase, looked_at = progress.looked_at, mended = progress.mended, "tidying tokens");
        }
        match progress.phase.next() {
            Some(phase) => (progress.phase, progress.after) = (phase, String::new()),
            None => break,
        }
    }
    note(core, None).await?;
    tracing::info!(looked_at = progress.looked_at, mended = progress.mended, "tokens are tidy");
    Ok(())
}

/// Some pages of the present phase. False when it is through.
async fn pages(core: &Core, progress: &mut Progress) -> Result<bool> {
    let area = progress.phase.area();
    for _ in 0..PAGES_PER_NOTE {
        let after = hex::decode(&progress.after).ok().filter(|key| !key.is_empty());
        let page = core.view.scan(area.as_bytes(), after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        progress.after = hex::encode(last);
        progress.looked_at = progress.looked_at.saturating_add(page.len() as u64);
        for (key, entry) in page {
            let is_mended = match mend::one(core, progress.phase, &key, entry).await {
                // Somebody changed it meanwhile: it is not what dangles.
                Err(strongroom_engine::Error::Barrier(strongroom_barrier::Error::Conflict)) => false,
                other => other?,
            };
            progress.mended = progress.mended.saturating_add(u64::from(is_mended));
        }
    }
    Ok(true)
}

/// None forgets the request: it is done.
async fn note(core: &Core, progress: Option<&Progress>) -> Result<()> {
    let mut txn = core.view.txn(Intent::Write);
    match progress.map(serde_json::to_vec) {
        Some(Ok(bytes)) => txn.put(key().into_bytes(), bytes),
        _ => txn.delete(key().into_bytes()),
    }
    txn.commit().await?;
    Ok(())
}
