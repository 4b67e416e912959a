//! Revisions of records that commits rest on: those asked for again and again (roles, parents, mounts) and those just written,
//! so that the database need not be asked. INVARIANT: only the one writer changes records, and it tells every change here
//! before the next look.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{Change, Result, Revision};

/// In each of both generations; each takes about 200 bytes.
const KEYS_MAX: usize = 2_048;

/// Of records that exist; what does not exist is mostly asked for once, by whoever makes it. When the young generation is
/// full it becomes the old one: what nobody asked for meanwhile goes.
#[derive(Default)]
pub(super) struct Known {
    young: HashMap<Bytes, Revision>,
    old: HashMap<Bytes, Revision>,
}

impl Known {
    pub(super) fn revision(
        &mut self,
        key: &Bytes,
        on_disk: impl FnOnce() -> Result<Option<Revision>>,
    ) -> Result<Option<Revision>> {
        if let Some(revision) = self.young.get(key) {
            return Ok(Some(*revision));
        }
        let found = match self.old.remove(key) {
            Some(revision) => Some(revision),
            None => on_disk()?,
        };
        if let Some(revision) = found {
            self.keep(key, revision);
        }
        Ok(found)
    }

    /// After a commit.
    pub(super) fn changed(&mut self, changes: &[Change]) {
        for change in changes {
            self.old.remove(&change.key);
            match &change.value {
                Some(_) => self.keep(&change.key, change.revision),
                None => drop(self.young.remove(&change.key)),
            }
        }
    }

    fn keep(&mut self, key: &Bytes, revision: Revision) {
        if self.young.len() >= KEYS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key.clone(), revision);
    }

    /// After a commit of unknown outcome.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn change(key: &'static str, revision: u64, exists: bool) -> Change {
        Change { key: key.into(), value: exists.then(|| "v".into()), revision: Revision(revision) }
    }

    fn never() -> Result<Option<Revision>> {
        Err(Error::Unavailable("the disk was asked".into()))
    }

    #[test]
    fn a_revision_is_asked_for_once_and_follows_every_change() {
        let (mut known, key) = (Known::default(), Bytes::from("a"));
        assert_eq!(known.revision(&key, || Ok(Some(Revision(1)))).unwrap(), Some(Revision(1)));
        assert_eq!(known.revision(&key, never).unwrap(), Some(Revision(1)));
        known.changed(&[change("a", 2, true), change("b", 2, true)]);
        assert_eq!(known.revision(&key, never).unwrap(), Some(Revision(2)));
        assert_eq!(known.revision(&Bytes::from("b"), never).unwrap(), Some(Revision(2)), "what was just written is known");
        known.changed(&[change("a", 3, false)]);
        assert_eq!(known.revision(&key, || Ok(None)).unwrap(), None);
        assert!(known.revision(&key, never).is_err(), "what does not exist is asked for again");
        known.revision(&key, || Ok(Some(Revision(4)))).unwrap();
        known.forget();
        assert!(known.revision(&key, never).is_err());
    }

    #[test]
    fn it_stays_small_and_keeps_what_is_asked_for_often() {
        let (mut known, often) = (Known::default(), Bytes::from("often"));
        known.revision(&often, || Ok(Some(Revision(7)))).unwrap();
        for n in 0..5 * KEYS_MAX {
            known.revision(&Bytes::from(n.to_string()), || Ok(Some(Revision(1)))).unwrap();
            assert_eq!(known.revision(&often, never).unwrap(), Some(Revision(7)));
            assert!(known.young.len() <= KEYS_MAX && known.old.len() <= KEYS_MAX);
        }
        assert!(known.revision(&Bytes::from("1"), never).is_err());
    }

    #[test]
    fn a_change_reaches_the_old_generation_too() {
        let (mut known, key) = (Known::default(), Bytes::from("a"));
        known.revision(&key, || Ok(Some(Revision(1)))).unwrap();
        for n in 0..KEYS_MAX {
            known.revision(&Bytes::from(n.to_string()), || Ok(Some(Revision(1)))).unwrap();
        }
        assert!(known.old.contains_key(&key));
        known.changed(&[change("a", 2, false)]);
        assert_eq!(known.revision(&key, || Ok(None)).unwrap(), None);
    }
}
