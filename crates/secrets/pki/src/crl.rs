//! Revocation lists (RFC 5280 section 5), one for each issuer. A list is made when somebody reads it after a change, and kept
//! in memory until the next change or half of its life: a revocation costs two writes however many there are, and readers
//! cannot make the server sign more than one list for each change.

use std::collections::HashMap;
use std::sync::Arc;

use der::Sequence;
use der::asn1::Uint;
use strongroom_engine::{Ctx, Error, Result};
use strongroom_types::{SecretBytes, Timestamp, Ttl};
use tokio::sync::Mutex;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::CrlNumber;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;
use x509_cert::{AlgorithmIdentifier, Version};

use crate::certificate::{self, Serial, extension, second_of, signed, time};
use crate::error::encoding;
use crate::extensions::authority;
use crate::key::{KeyPair, Kind, der_of};
use crate::store::{self, Issuer, Revoked};

/// From one list to the time by which the next is promised.
const LIFE: Ttl = Ttl::from_s(72 * 3600);
/// Revocations read at once.
const PAGE: usize = 1000;

/// RFC 5280 section 5.1.2.
#[derive(Sequence)]
struct ToBeSigned {
    version: Version,
    signature: AlgorithmIdentifier,
    issuer: Name,
    this_update: Time,
    next_update: Time,
    /// Left out when there are none: the section forbids an empty one.
    #[asn1(optional = "true")]
    revoked: Option<Vec<Entry>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    extensions: Extensions,
}

#[derive(Sequence)]
struct Entry {
    serial_number: SerialNumber,
    revoked_at: Time,
}

/// The lists that were made, by issuer.
#[derive(Default)]
pub struct Lists(Mutex<HashMap<String, Made>>);

struct Made {
    /// `store::list_version` when it was made.
    version: Vec<u8>,
    at: Timestamp,
    der: Arc<[u8]>,
}

impl Lists {
    /// The DER of an issuer's list, as of the last change.
    pub async fn of(&self, ctx: &mut Ctx, issuer: &Issuer) -> Result<Arc<[u8]>> {
        // INVARIANT: the version is read before the revocations, so that no list is kept under a later version than its own.
        let key = store::list_version(&ctx.mount);
        let version = ctx.get(&key).await?.map(|entry| entry.value().to_vec()).unwrap_or_default();
        let mut lists = self.0.lock().await;
        if let Some(made) = lists.get(&issuer.id).filter(|made| made.serves(&version, ctx.now)) {
            return Ok(made.der.clone());
        }
        let der: Arc<[u8]> = make(ctx, issuer).await?.into();
        lists.insert(issuer.id.clone(), Made { version, at: ctx.now, der: der.clone() });
        Ok(der)
    }
}

impl Made {
    fn serves(&self, version: &[u8], now: Timestamp) -> bool {
        self.version == version && now >= self.at && now.seconds_since(self.at) < LIFE.as_s() / 2
    }
}

async fn make(ctx: &mut Ctx, issuer: &Issuer) -> Result<Vec<u8>> {
    if issuer.key_id.is_empty() {
        return Err(Error::invalid("the issuer's private key is not in this mount, so it has no revocation list here"));
    }
    let revoked = revoked_by(ctx, &issuer.id).await?;
    let key = store::key_pair(ctx, &issuer.key_id).await?;
    let (issuer, now) = (issuer.clone(), ctx.now);
    ctx.pool.run(move || sign(&issuer, key, now, revoked)).await?
}

/// Serial numbers and times of what an issuer revoked. RFC 5280 section 3.3: what expired stays on one more list.
async fn revoked_by(ctx: &Ctx, issuer: &str) -> Result<Vec<(Serial, Timestamp)>> {
    let area = store::revoked(&ctx.mount);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = ctx.txn.view().scan(area.as_bytes(), after.as_deref(), PAGE).await?;
        for (key, found) in &page {
            let serial =
                key.strip_prefix(area.as_bytes()).and_then(|name| std::str::from_utf8(name).ok()).and_then(Serial::parse);
            // SECURITY: a list without an entry that can't be read would call a revoked certificate good.
            let damaged = || Error::Internal("the record of a revocation is damaged".into());
            let entry = found.as_ref().map_err(|_| damaged())?;
            let record: Revoked = serde_json::from_slice(entry.value()).map_err(|_| damaged())?;
            let is_listed = ctx.now.unix_s() <= record.not_after_s.saturating_add(LIFE.as_s());
            if record.issuer == issuer && is_listed {
                all.push((serial.ok_or_else(damaged)?, record.at));
            }
        }
        match page.last() {
            Some((key, _)) if page.len() == PAGE => after = Some(key.to_vec()),
            _ => return Ok(all),
        }
    }
}

/// Takes long for long lists: for the pool only.
fn sign(issuer: &Issuer, key: (Kind, SecretBytes), now: Timestamp, revoked: Vec<(Serial, Timestamp)>) -> Result<Vec<u8>> {
    let ca = certificate::read(&issuer.certificate.0)?;
    let pair = KeyPair::read(key.0, &key.1)?;
    let algorithm = pair.algorithm(issuer.signature_bits)?;
    let entry =
        |(serial, at): (Serial, Timestamp)| Ok(Entry { serial_number: serial.number()?, revoked_at: time(second_of(at))? });
    let entries = revoked.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
    // RFC 5280 section 5.2.3: a number that only grows. Milliseconds do, on every node and across restarts.
    let number = (now.ns() / 1_000_000).to_be_bytes();
    let body = ToBeSigned {
        version: Version::V2,
        signature: algorithm.identifier(),
        issuer: ca.tbs_certificate().subject().clone(),
        this_update: time(second_of(now))?,
        next_update: time(second_of(now.plus(LIFE)))?,
        revoked: (!entries.is_empty()).then_some(entries),
        extensions: vec![
            extension(false, &authority(&certificate::key_id(&ca)?)?)?,
            extension(false, &CrlNumber(Uint::new(&number).map_err(encoding)?))?,
        ],
    };
    signed(&der_of(&body)?, &pair, &algorithm)
}
