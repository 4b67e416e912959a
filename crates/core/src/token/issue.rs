//! Making a token inside the transaction of the request that asks for it.

use std::collections::BTreeMap;

use strongroom_barrier::Barrier;
use strongroom_barrier::Txn;
use strongroom_engine::{AuthView, Error, NewToken, Result};
use strongroom_types::{Rng, SecretString, Timestamp, Ttl};

use super::entry::{self, Grant, Life, TokenEntry};
use super::id::{TokenKey, fresh_family};
use super::{batch, below};

/// Bounds that a mount and the system set. Never zero.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub default_ttl: Ttl,
    pub max_ttl: Ttl,
}

/// What was made, and what the caller should be told beside it.
pub struct Issued {
    pub view: AuthView,
    pub warnings: Vec<String>,
}

/// Writes the token with its indexes. Errors: `Denied` when the parent is gone, `Invalid` for a chosen id in use.
pub async fn issue(
    txn: &mut Txn,
    barrier: &Barrier,
    keys: &TokenKey,
    rng: &dyn Rng,
    now: Timestamp,
    new: NewToken,
    limits: Limits,
) -> Result<Issued> {
    let mut warnings = Vec::new();
    let ttl = settle_ttl(&new, limits, &mut warnings);
    if let Some(parent) = &new.parent {
        // INVARIANT: the read becomes a precondition, so no child outlives a parent that is revoked meanwhile.
        txn.get(entry::key(parent).as_bytes()).await?.ok_or(Error::Denied)?;
    }
    let mut record = record_of(&new, ttl, now);
    let client_token = match (&new.custom_id, new.batch) {
        (_, true) => batch::seal(barrier, &record)?,
        (Some(id), false) => chosen(txn, keys, rng, now, &mut record, id).await?,
        (None, false) => {
            let (text, family, tag) = keys.generate(rng, now);
            (record.family, record.tag) = (family, hex::encode(tag));
            text
        }
    };
    if !new.batch {
        put_with_indexes(txn, &record)?;
    }
    if new.custom_id.is_some() {
        warnings.push("a chosen token id is only as hard to guess as its text; prefer generated ones".into());
    }
    Ok(Issued { view: view_of(&record, client_token, ttl, new.batch), warnings })
}

fn record_of(new: &NewToken, ttl: Ttl, now: Timestamp) -> TokenEntry {
    TokenEntry {
        family: String::new(),
        tag: String::new(),
        grant: Grant { policies: new.policies.clone(), is_root: new.is_root, uses_left: new.num_uses },
        life: Life {
            created: now,
            creation_ttl: ttl,
            expires: (!ttl.is_zero()).then(|| now.plus(ttl)),
            explicit_max_ttl: new.explicit_max_ttl,
            period: new.period,
            renewable: new.renewable && !ttl.is_zero() && !new.batch,
            renewed: None,
        },
        parent: new.parent.clone(),
        display_name: new.display_name.clone(),
        meta: new.meta.clone(),
        path: new.path.clone(),
        entity_id: new.entity_id.clone(),
        bound_cidrs: new.bound_cidrs.clone(),
        login: new.login.clone(),
        role: new.role.clone(),
        chosen: new.custom_id.is_some(),
        wraps: new.wraps.clone(),
    }
}

/// The ttl the token gets; zero only for root tokens that asked for none.
fn settle_ttl(new: &NewToken, limits: Limits, warnings: &mut Vec<String>) -> Ttl {
    let cap = if new.explicit_max_ttl.is_zero() { limits.max_ttl } else { new.explicit_max_ttl.min(limits.max_ttl) };
    let wanted = match (new.period.is_zero(), new.ttl.is_zero()) {
        (false, _) => new.period,
        (true, true) if new.is_root => return Ttl::ZERO,
        (true, true) => limits.default_ttl.min(cap),
        (true, false) => new.ttl,
    };
    if wanted > cap {
        warnings.push(capped(wanted, cap));
    }
    wanted.min(cap)
}

pub fn capped(wanted: Ttl, cap: Ttl) -> String {
    let (wanted, cap) = (short_duration(wanted), short_duration(cap));
    format!("TTL of \"{wanted}\" exceeded the effective max_ttl of \"{cap}\"; TTL value is capped accordingly")
}

/// `9000h`, `10m`, `1h30m`: units that are zero are left out.
pub fn short_duration(ttl: Ttl) -> String {
    let s = ttl.as_s();
    let parts = [(s / 3600, "h"), (s % 3600 / 60, "m"), (s % 60, "s")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".into() } else { text }
}

async fn chosen(
    txn: &mut Txn,
    keys: &TokenKey,
    rng: &dyn Rng,
    now: Timestamp,
    record: &mut TokenEntry,
    id: &SecretString,
) -> Result<SecretString> {
    let tag = hex::encode(keys.chosen_tag(id.expose()));
    let place = entry::chosen_key(&tag);
    if txn.get(place.as_bytes()).await?.is_some() {
        return Err(Error::invalid("cannot create a token with a duplicate ID"));
    }
    (record.family, record.tag) = (fresh_family(rng, now), tag);
    txn.put(place.into_bytes(), record.family.clone().into_bytes());
    Ok(id.duplicate())
}

/// The record, its place in the expiry order, its place below its parent: all in one batch.
pub fn put_with_indexes(txn: &mut Txn, record: &TokenEntry) -> Result<()> {
    let bytes = serde_json::to_vec(record).map_err(|e| Error::Internal(format!("encoding a token: {e}")))?;
    txn.put_wanted(entry::key(&record.family).into_bytes(), bytes);
    if let Some(end) = record.life.expires {
        txn.put(entry::expiry_key(end, &record.family).into_bytes(), Vec::new());
    }
    if let Some(parent) = &record.parent {
        txn.put(entry::child_key(parent, &record.family).into_bytes(), Vec::new());
    }
    if below::is_indexed(record) {
        txn.put(below::login_key(&record.path, &record.family).into_bytes(), Vec::new());
    }
    Ok(())
}

pub fn view_of(record: &TokenEntry, client_token: SecretString, ttl: Ttl, batch: bool) -> AuthView {
    AuthView {
        client_token,
        accessor: record.family.clone(),
        policies: record.grant.policies.clone(),
        identity_policies: Vec::new(),
        metadata: BTreeMap::clone(&record.meta),
        lease_duration: ttl,
        renewable: record.life.renewable,
        entity_id: record.entity_id.clone(),
        batch,
        orphan: record.parent.is_none(),
        num_uses: record.grant.uses_left,
    }
}
