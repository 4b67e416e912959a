//! Snapshots of the store: taken at one revision while others write, checked to the last byte before anything changes, put
//! in the store's place in one atomic step. Values stay sealed all the way. A snapshot is untrusted input, whoever brings
//! it (security.md CVE-2026-105816): one that this keyring signed is checked at once, one of other keys when it is unsealed.

use std::io::{BufReader, BufWriter, Read, Seek as _, SeekFrom};
use std::sync::PoisonError;

use aws_lc_rs::hmac;
use bytes::Bytes;
use strongroom_snapshot::{self as format, Entries, FORMAT, Head, Header, MAC_BYTES, Writer};
use strongroom_storage::{self as storage, Batch, Record, Replacement, Revision, Scratch, Whole};
use strongroom_types::{SecretBytes, Timestamp};

use super::{Barrier, KEYRING, RESTORED, ROOT_KEY, SEAL_CONFIG, is_reserved};
use crate::keyring::Domain;
use crate::seal::SealConfig;
use crate::session::Session;
use crate::{Error, Result};

const MAC_PURPOSE: &str = "snapshot v1";

/// A snapshot on its way out.
pub struct Saved {
    pub header: Header,
    /// Of the whole file.
    pub bytes: u64,
    pub file: Box<dyn Read + Send>,
}

/// Whose keys a snapshot is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keys {
    /// This server's: signature and all values are verified before anything changes; the unseal keys of today stay.
    Same,
    /// Perhaps others: the signature is verified when the snapshot's unseal keys come; until then the server stays sealed.
    Other,
}

/// A snapshot of which all that can be verified is. Only `check_snapshot` makes it.
pub struct Checked {
    head: Head,
    keys: Keys,
    file: Box<dyn Scratch>,
}

impl Checked {
    pub fn header(&self) -> &Header {
        &self.head.header
    }

    pub fn keys(&self) -> Keys {
        self.keys
    }
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checked").field("sha256", &self.head.header.sha256).finish_non_exhaustive()
    }
}

/// Areas of the store that a restore does not simply take from the snapshot.
#[derive(Clone, Copy)]
pub struct Areas {
    /// Facts of this very machine: kept with the same keys; with others nobody could read them, so they are empty then.
    pub local: &'static [&'static [u8]],
    /// What belongs to the unseal keys: kept with the same keys, taken from the snapshot with others.
    pub of_keys: &'static [&'static [u8]],
}

impl From<format::Error> for Error {
    fn from(error: format::Error) -> Self {
        Self::Snapshot(error.to_string())
    }
}

fn into_storage(error: format::Error) -> storage::Error {
    storage::Error::Operator(error.to_string())
}

fn io(error: std::io::Error) -> Error {
    Error::Snapshot(format!("the disk beside the data: {error}"))
}

impl Session {
    fn mac_key(&self) -> Result<hmac::Key> {
        let key = self.with_cipher(|cipher| super::derive(cipher, MAC_PURPOSE))?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// In constant time. Errors: `ForeignSnapshot`.
    fn verify_head(&self, head: &Head) -> Result<()> {
        hmac::verify(&self.mac_key()?, head.signed(), head.mac()).map_err(|_| Error::ForeignSnapshot)
    }
}

impl Barrier {
    fn whole(&self) -> Result<&dyn Whole> {
        self.0.store.whole().ok_or(Error::NoSnapshots)
    }

    /// Empty room beside the data, for a snapshot that comes in. Blocks.
    pub fn snapshot_room(&self) -> Result<Box<dyn Scratch>> {
        Ok(self.whole()?.scratch()?)
    }

    /// Takes a snapshot at the newest revision. Blocks. Errors: `Corrupt` for a damaged record, `NoSnapshots`, `Sealed`.
    pub fn save_snapshot(&self, server_version: &str, now: Timestamp) -> Result<Saved> {
        let mac_key = self.0.session()?.mac_key()?;
        let whole = self.whole()?;
        let mut writer = Writer::new(BufWriter::new(whole.scratch()?));
        let revision = whole.read_all(&mut |key, record| match key {
            RESTORED => Ok(()),
            _ => writer.write(key, record.revision.0, &record.value).map_err(into_storage),
        })?;
        let (file, tally) = writer.finish()?;
        let mut file = file.into_inner().map_err(|e| io(e.into_error()))?;
        file.rewind().map_err(io)?;
        let header = Header {
            format: FORMAT,
            server_version: server_version.to_owned(),
            created: now.rfc3339(),
            revision: revision.0,
            entry_count: tally.entry_count,
            content_bytes: tally.content_bytes,
            sha256: tally.sha256,
        };
        let head = Head::new(header, |signed| mac_of(&mac_key, signed))?;
        let front = std::io::Cursor::new(head.to_bytes());
        Ok(Saved { bytes: head.file_bytes(), header: head.header, file: Box::new(front.chain(file)) })
    }

    /// Verifies a snapshot to the last byte; changes nothing. Blocks.
    /// Errors: `Snapshot` with what is wrong, `ForeignSnapshot` when these keys did not make it, `Sealed`.
    pub fn check_snapshot(&self, mut file: Box<dyn Scratch>, keys: Keys) -> Result<Checked> {
        let session = self.0.session()?;
        file.rewind().map_err(io)?;
        let mut reader = BufReader::new(file);
        let head = Head::read(&mut reader)?;
        if keys == Keys::Same {
            session.verify_head(&head)?;
        }
        let mut found = Found::default();
        for entry in Entries::new(&head, &mut reader) {
            let entry = entry?;
            found.note(&entry)?;
            if keys == Keys::Same && !is_reserved(&entry.key) {
                let opened = session.with_cipher(|cipher| cipher.open(Domain::Value, &entry.key, &entry.value));
                // A term that this keyring never had: a copy of this store went its own way.
                opened.map_err(|_| Error::ForeignSnapshot)?;
            }
        }
        found.check()?;
        Ok(Checked { head, keys, file: reader.into_inner() })
    }

    /// Puts a checked snapshot in the store's place, atomically. The barrier is sealed meanwhile; with the same keys it opens
    /// again by itself, whatever came of it, else it stays sealed until the snapshot's unseal keys come.
    /// Errors: nothing was changed; after `Storage(Unavailable)` the outcome is unknown.
    pub async fn restore(&self, checked: Checked, areas: Areas) -> Result<Revision> {
        let _turn = self.0.unseal_turn.lock().await;
        let session = self.0.session()?;
        if checked.keys == Keys::Same {
            session.verify_head(&checked.head)?;
        }
        let (root_key, keys) = (session.root_key(), checked.keys);
        drop(session);
        let with = replacement(checked, areas)?;
        let replacing = {
            // INVARIANT: a transaction that began before this commits before it or not at all.
            let mut epoch = self.0.epoch.write().unwrap_or_else(PoisonError::into_inner);
            *epoch = epoch.saturating_add(1);
            self.0.seal();
            self.whole()?.replace_all(with)
        };
        let outcome = replacing.await;
        self.0.seal_config.store(None);
        if keys == Keys::Same || outcome.is_err() {
            self.reopen(root_key, outcome.is_err()).await?;
        }
        Ok(outcome?)
    }

    /// With the keys that were in force before. Should the outcome be unknown and the keys others, it stays sealed.
    async fn reopen(&self, root_key: SecretBytes, may_fail: bool) -> Result<()> {
        match self.start(root_key).await {
            Err(error) if !may_fail => Err(error),
            _ => Ok(()),
        }
    }

    /// What was restored since the store was last opened to its end: its older content is what an operator wanted.
    pub async fn restored(&self) -> Result<Option<Header>> {
        let Some(record) = self.0.store.get(RESTORED).await? else { return Ok(None) };
        Ok(Some(Head::read(&mut record.value.as_ref())?.header))
    }

    /// The store opened to its end.
    pub async fn settle_restored(&self) -> Result<()> {
        if self.0.store.get(RESTORED).await?.is_some() {
            let deletes = vec![Bytes::from_static(RESTORED)];
            self.0.store.commit(Batch { deletes, ..Batch::default() }).await?;
        }
        Ok(())
    }

    /// SECURITY: what was restored under other keys is trusted only now that they are here.
    /// Errors: `ForeignSnapshot`: it was changed after it was made.
    pub(super) async fn verify_restored(&self, session: &Session) -> Result<()> {
        match self.0.store.get(RESTORED).await? {
            Some(record) => session.verify_head(&Head::read(&mut record.value.as_ref())?),
            None => Ok(()),
        }
    }
}

fn mac_of(key: &hmac::Key, signed: &[u8]) -> [u8; MAC_BYTES] {
    let mut mac = [0u8; MAC_BYTES];
    let tag = hmac::sign(key, signed);
    mac.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    mac
}

/// The records without which nothing can be unsealed.
#[derive(Default)]
struct Found(u8);

impl Found {
    fn note(&mut self, entry: &format::Entry) -> Result<()> {
        match entry.key.as_ref() {
            RESTORED => return Err(Error::Snapshot("the snapshot holds a record that none holds".to_owned())),
            SEAL_CONFIG => {
                let config = serde_json::from_slice::<SealConfig>(&entry.value).ok();
                let sound = config.and_then(|found| SealConfig::shamir(found.shares, found.threshold).ok());
                sound.ok_or_else(|| Error::Snapshot("the snapshot's seal configuration can't be read".to_owned()))?;
                self.0 |= 1;
            }
            ROOT_KEY => self.0 |= 2,
            KEYRING => self.0 |= 4,
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match self.0 {
            7 => Ok(()),
            _ => Err(Error::Snapshot("the snapshot lacks the keys of a store".to_owned())),
        }
    }
}

fn replacement(checked: Checked, areas: Areas) -> Result<Replacement> {
    let Checked { head, keys, mut file } = checked;
    file.seek(SeekFrom::Start(head.file_bytes().saturating_sub(head.header.content_bytes))).map_err(io)?;
    let (keeps, drops): (Vec<&[u8]>, &[&[u8]]) = match keys {
        Keys::Same => ([&[b"core/".as_slice()], areas.local, areas.of_keys].concat(), &[]),
        Keys::Other => (Vec::new(), areas.local),
    };
    let entries = Entries::new(&head, BufReader::new(file)).map(|entry| {
        let entry = entry.map_err(into_storage)?;
        Ok((entry.key, Record { value: entry.value, revision: Revision(entry.revision) }))
    });
    let wanted = move |entry: &storage::Result<(Bytes, Record)>| match entry {
        Ok((key, _)) => !drops.iter().any(|prefix| key.starts_with(prefix)),
        Err(_) => true,
    };
    Ok(Replacement {
        contents: Box::new(entries.filter(wanted)),
        revision: Revision(head.header.revision),
        keeps,
        puts: vec![(Bytes::from_static(RESTORED), Bytes::from(head.to_bytes()))],
    })
}

#[cfg(test)]
mod tests;
