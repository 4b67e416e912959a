//! A break-in: the intruder has the disk and the signing key of the present epoch, and rewrites history.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use strongroom_types::{Rng, SecretBytes, Timestamp};

use super::{Options, verify};
use crate::epoch::{Appointment, EpochKey};
use crate::note::note_hash;
use crate::tree::{Tiles, Tree, leaf_hash};
use crate::{Checkpoint, Device, FileConfig, FileDevice, Head, Limits, log_public_key};

struct Seven(std::sync::atomic::AtomicU8);

impl Rng for Seven {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

fn seed() -> SecretBytes {
    SecretBytes::new(vec![42; 32])
}

/// A log of several epochs in one segment, its last key, and its last checkpoint.
async fn log(path: &Path) -> (EpochKey, Head) {
    let config = FileConfig {
        path: path.to_owned(),
        hash_key: seed(),
        log_key: seed(),
        expected: None,
        limits: Limits { epoch_s: 100, ..Limits::default() },
        is_sync: false,
        store_head: Arc::new(|| 0),
        accepts_older_store: false,
        rng: Arc::new(Seven(1.into())),
    };
    let device = FileDevice::open(config, Timestamp::from_s(0)).unwrap();
    for n in 0..600 {
        let rest = format!("\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"request\",\"n\":{n}}}");
        device.append(rest.as_bytes()).unwrap().await.unwrap();
        if n % 20 == 0 {
            device.tick(Timestamp::from_s(n)).unwrap();
        }
    }
    device.tick(Timestamp::from_s(590)).unwrap();
    (device.stolen_key(), device.head().unwrap())
}

/// Changes record `seq` and everything that follows from it, signing all that no longer fits with `key`.
fn rewrite(path: &Path, seq: usize, key: &EpochKey) {
    let folder = crate::sink::file::segment::tree_folder(path);
    let mut notes = super::Notes::open(&folder.join("checkpoints")).unwrap();
    let mut next = notes.next().unwrap();
    let (mut tree, tiles) = (Tree::default(), Tiles::new(&folder));
    let (mut lines, mut epochs, mut checkpoints, mut prev) = (Vec::new(), Vec::new(), String::new(), [0; 32]);
    for (n, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
        let mut line = line.as_bytes().to_vec();
        if n == seq {
            line = String::from_utf8(line).unwrap().replace("\"n\":", "\"forged\":").into_bytes();
        }
        if let Some(found) = Appointment::parse(&line) {
            if n > seq {
                line = Appointment { root: tree.root(), ..found.appointment }.line(key);
            }
            epochs.extend_from_slice(&[&line[..], b"\n"].concat());
        }
        tree.push(leaf_hash(&line));
        lines.extend_from_slice(&[&line[..], b"\n"].concat());
        while let super::NextNote::Note(found) = &next {
            let super::Found { checkpoint, note, .. } = &**found;
            if checkpoint.head.size != tree.size() {
                break;
            }
            let head = Head { size: tree.size(), root: tree.root() };
            let note = match n < seq {
                true => note.clone(),
                false => Checkpoint { head, prev, ..checkpoint.clone() }.sign(key),
            };
            prev = note_hash(&note);
            checkpoints.push_str(&format!("{note}\n"));
            next = notes.next().unwrap();
        }
    }
    tree.take_full().iter().for_each(|tile| tiles.write(tile).unwrap());
    fs::write(path, lines).unwrap();
    fs::write(folder.join("epochs"), epochs).unwrap();
    fs::write(folder.join("checkpoints"), checkpoints).unwrap();
}

#[tokio::test]
async fn the_present_key_cannot_rewrite_earlier_epochs() {
    let public = log_public_key(&seed()).unwrap();
    for seq in [1usize, 50, 99, 150, 250, 400] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let (key, _) = log(&path).await;
        assert!((seq as u64) < key.appointed_at);
        assert!(verify(&path, &public, &Options::default()).unwrap().is_intact());
        rewrite(&path, seq, &key);
        let report = verify(&path, &public, &Options::default()).unwrap();
        assert!(!report.is_intact(), "{seq}");
        assert!(report.problems.iter().any(|p| p.what.contains("not signed by the key")), "{:#?}", report.problems);
    }
}

/// The limit of what signatures can do, and why one checkpoint should live elsewhere (decision 15).
#[tokio::test]
async fn records_of_the_present_epoch_need_a_checkpoint_kept_elsewhere() {
    let public = log_public_key(&seed()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let (key, head) = log(&path).await;
    let notes = fs::read_to_string(dir.path().join("audit.log.tree/checkpoints")).unwrap();
    let start = notes.trim_end().rfind("\n\n").and_then(|at| notes[..at].rfind("\n\n")).unwrap() + 2;
    let kept = Options { checkpoint: Some(notes[start..].to_owned()), ..Options::default() };
    assert!(verify(&path, &public, &kept).unwrap().is_intact());
    let seq = usize::try_from(key.appointed_at).unwrap() + 2;
    rewrite(&path, seq, &key);
    assert!(verify(&path, &public, &Options::default()).unwrap().is_intact());
    assert!(!verify(&path, &public, &kept).unwrap().is_intact());
    drop(key);
    let expected = Some(head);
    let config = FileConfig {
        path,
        hash_key: seed(),
        log_key: seed(),
        expected,
        limits: Limits::default(),
        is_sync: false,
        store_head: Arc::new(|| 0),
        accepts_older_store: false,
        rng: Arc::new(Seven(99.into())),
    };
    assert!(FileDevice::open(config, Timestamp::from_s(0)).is_err(), "the server knows its head");
}
