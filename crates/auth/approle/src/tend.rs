//! Background work: ends secret ids that expired, wipes what deleted roles left, and works off a tidy that was asked for.
//! Nothing rests on it but space: a login judges for itself. Each piece is one batch that ends where a next one begins.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_engine::{Ctx, Error, Key, MountFacts, NoFields, Output, Result};
use strongroom_types::Timestamp;

use crate::secret::{self, Secret};

/// Records read in one piece.
const READ_MAX: usize = 200;
/// Secret ids that end in one piece: each takes at most three operations.
const ENDED_MAX: usize = 30;
/// Entries wiped in one piece: each takes at most three operations.
const WIPED_MAX: usize = 30;

/// A tidy that was asked for, as far as it went.
#[derive(Serialize, Deserialize, Default)]
struct Tidy {
    /// Hex of the last key that was looked at.
    after: Option<String>,
    looked_at: u64,
    ended: u64,
}

fn tidy_key(mount: &MountFacts) -> Key {
    mount.key("tidy").name("run")
}

/// Asks for a look at every secret id.
pub async fn start(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let key = tidy_key(&ctx.mount);
    let warning = if ctx.get(&key).await?.is_some() {
        "Tidy operation already in progress."
    } else {
        ctx.save(key, &Tidy::default())?;
        "Tidy operation successfully started. Any information from the operation will be printed to the server's log."
    };
    Ok(Output { status: Some(202), ..Output::raw_data(b"null".to_vec()).warn(warning) })
}

/// One piece; true when more waits.
pub async fn tend(ctx: &mut Ctx) -> Result<bool> {
    Ok(end_expired(ctx).await? || wipe_some(ctx).await? || tidy_some(ctx).await?)
}

/// Ends what the head of the expiry order says is over. True when there was any.
async fn end_expired(ctx: &mut Ctx) -> Result<bool> {
    let area = secret::expiries(&ctx.mount);
    let page = ctx.txn.view().scan(area.as_bytes(), None, ENDED_MAX).await?;
    let mut any = false;
    for (key, _) in page {
        let Some(due) = Due::read(&area, &key) else { continue };
        if due.end > ctx.now {
            break;
        }
        any = true;
        ctx.txn.delete(key.clone());
        end_one(ctx, due.life, due.accessor).await?;
    }
    Ok(any)
}

/// What a key of the expiry order names.
struct Due<'k> {
    end: Timestamp,
    life: &'k str,
    accessor: &'k str,
}

impl<'k> Due<'k> {
    fn read(area: &Key, key: &'k [u8]) -> Option<Self> {
        let (number, names) = key.strip_prefix(area.as_bytes())?.split_first_chunk::<8>()?;
        let names = std::str::from_utf8(names).ok()?;
        let (life, accessor) = names.split_at_checked(names.len() / 2)?;
        Some(Self { end: Timestamp::from_ns(u64::from_be_bytes(*number)), life, accessor })
    }
}

/// Wipes a part of what the first deleted role left. True when there was any.
async fn wipe_some(ctx: &mut Ctx) -> Result<bool> {
    let intents = ctx.mount.key("wipe");
    let Some(life) = ctx.list(&intents, None, 1).await?.pop() else { return Ok(false) };
    let below = secret::below(&ctx.mount, &life);
    let left = ctx.txn.view().scan(below.as_bytes(), None, WIPED_MAX).await?;
    if left.is_empty() {
        ctx.delete(intents.name(&life));
    }
    for (key, found) in left {
        // With its place in the expiry order; entries of other kinds are no such records.
        if let Some(secret) = found.ok().and_then(|entry| serde_json::from_slice::<Secret>(entry.value()).ok()) {
            secret::remove(ctx, &life, &secret);
        }
        ctx.txn.delete(key);
    }
    Ok(true)
}

/// Looks at a part of all secret ids. True while a tidy runs.
async fn tidy_some(ctx: &mut Ctx) -> Result<bool> {
    let key = tidy_key(&ctx.mount);
    let Some(mut tidy) = ctx.load::<Tidy>(&key).await? else { return Ok(false) };
    let area = ctx.mount.key("sec");
    let after = tidy.after.as_deref().map(hex::decode).transpose();
    let after = after.map_err(|_| Error::Internal("the place of a tidy is malformed".into()))?;
    let page = ctx.txn.view().scan(area.as_bytes(), after.as_deref(), READ_MAX).await?;
    if page.is_empty() {
        tracing::info!(mount = ctx.mount.path, looked_at = tidy.looked_at, ended = tidy.ended, "secret ids tidied");
        ctx.delete(key);
        return Ok(true);
    }
    let mut ended = 0;
    for (place, found) in page {
        let expired = found.ok().and_then(|entry| expired(&area, &place, entry.value(), ctx.now));
        if let Some((life, accessor)) = expired {
            if ended == ENDED_MAX {
                break;
            }
            ended = ended.saturating_add(1);
            end_one(ctx, &life, &accessor).await?;
        }
        tidy.looked_at = tidy.looked_at.saturating_add(1);
        tidy.after = Some(hex::encode(&place));
    }
    tidy.ended = tidy.ended.saturating_add(ended as u64);
    ctx.save(key, &tidy)?;
    Ok(true)
}

/// Life and accessor of a record that is over.
fn expired(area: &Key, place: &Bytes, value: &[u8], now: Timestamp) -> Option<(String, String)> {
    let below = std::str::from_utf8(place.strip_prefix(area.as_bytes())?).ok()?;
    let (life, accessor) = below.split_once("/s/")?;
    let secret: Secret = serde_json::from_slice(value).ok()?;
    (!secret.is_live(now)).then(|| (life.to_owned(), accessor.to_owned()))
}

/// Ends a secret id that is over. It is read in the transaction: what changes at this moment makes the piece fail, and the
/// next turn sees it.
async fn end_one(ctx: &mut Ctx, life: &str, accessor: &str) -> Result<()> {
    match secret::by_accessor(ctx, life, accessor).await {
        Ok(Some(secret)) if !secret.is_live(ctx.now) => secret::remove(ctx, life, &secret),
        Ok(_) => {}
        // It can't log in any more; one damaged record must not keep the others from ending.
        Err(error) if error.is_damaged_entry() => {
            tracing::error!(accessor, "the record of an expired secret id is damaged: it is removed");
            let key = secret::records(&ctx.mount, life).name(accessor);
            ctx.delete(key);
        }
        Err(other) => return Err(other),
    }
    Ok(())
}
