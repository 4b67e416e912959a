//! What is missing or changed at the two ends of a log: lines at its beginning, and the last entry of a small file.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_audit::{Device as _, Limits};

use crate::support::{archived, assert_intact, at, copy_folder, fill, filled, open, verified};

fn checkpoints(folder: &Path) -> PathBuf {
    folder.join("audit.log.tree/checkpoints")
}

/// Flips each bit of every newline in `from..`; all must be noticed.
fn flip_newlines(folder: &Path, file: &Path, from: usize) {
    let whole = fs::read(file).unwrap();
    let newlines: Vec<usize> = (from..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    assert!(!newlines.is_empty());
    for at in newlines {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            fs::write(file, changed).unwrap();
            assert!(!verified(folder).is_intact(), "bit {bit} of byte {at} in {}", file.display());
        }
    }
    fs::write(file, whole).unwrap();
}

/// A crash may leave any beginning of the last entry; that is told, but nobody's fault.
fn cut_anywhere(folder: &Path, file: &Path, from: usize) {
    let whole = fs::read(file).unwrap();
    for end in (from + 1)..whole.len() {
        fs::write(file, &whole[..end]).unwrap();
        let report = assert_intact(folder);
        assert!(report.warnings.iter().any(|w| w.file == file), "{end} bytes of {}", file.display());
    }
    fs::write(file, whole).unwrap();
}

/// Where the last note begins.
fn last_note(notes: &[u8]) -> usize {
    let text = std::str::from_utf8(notes).unwrap();
    text.rfind("strongroom.audit/").and_then(|at| text[..at].rfind("strongroom.audit/")).unwrap()
}

#[tokio::test]
async fn the_last_checkpoint_is_torn_or_damaged_but_never_both() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), Limits::default(), 40, 20).await;
    let file = checkpoints(dir.path());
    let from = last_note(&fs::read(&file).unwrap());
    flip_newlines(dir.path(), &file, from);
    cut_anywhere(dir.path(), &file, from);
}

/// Here no checkpoint covers the last appointment, which would make up for a missing copy.
#[tokio::test]
async fn the_last_appointment_is_torn_or_damaged_but_never_both() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), Limits::default(), 20, 20).await;
    let epochs = dir.path().join("audit.log.tree/epochs");
    flip_newlines(dir.path(), &epochs, 0);
    let from = fs::read(&epochs).unwrap().len();
    drop(open(dir.path(), Limits::default(), None).unwrap());
    let notes = fs::read(checkpoints(dir.path())).unwrap();
    fs::write(checkpoints(dir.path()), &notes[..last_note(&notes)]).unwrap();
    assert_eq!(assert_intact(dir.path()).uncheckpointed, 1);
    flip_newlines(dir.path(), &epochs, from);
    cut_anywhere(dir.path(), &epochs, from);
}

#[tokio::test]
async fn the_first_lines_cannot_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), Limits::default(), 600, 50).await;
    let path = dir.path().join("audit.log");
    let whole = fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    for k in [1, 2, lines.len() / 2, lines.len()] {
        fs::write(&path, lines[k..].concat()).unwrap();
        let report = verified(dir.path());
        let is_told = report.problems.iter().any(|p| p.what.contains("the lines begin at record"));
        assert!(is_told, "{k}: {:#?}", report.problems);
    }
    fs::write(&path, &whole).unwrap();
    assert_intact(dir.path());
}

const SEGMENTS: Limits =
    Limits { buffer_bytes_max: 8 << 20, segment_bytes_max: 30_000, budget_bytes: 0, epoch_s: 200, epoch_records: 1 << 20 };

fn segments(folder: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).unwrap().flatten().map(|e| e.path());
    let mut found: Vec<PathBuf> = names.filter(|p| p.to_string_lossy().contains("audit.log.0")).collect();
    found.sort();
    found
}

/// A log whose oldest segments the server deleted, and a folder that holds them all.
async fn pruned(folder: &Path, before: &Path) -> usize {
    filled(folder, SEGMENTS, 2000, 20).await;
    copy_folder(folder, before);
    let limits = Limits { budget_bytes: 100_000, ..SEGMENTS };
    let device = open(folder, limits, None).unwrap();
    fill(&device, 5, 5).await;
    device.rotate(at(2100)).unwrap();
    fill(&device, 5, 5).await;
    device.close(at(2200)).unwrap();
    segments(before).len() - segments(folder).len()
}

#[tokio::test]
async fn what_the_server_deleted_is_stated_and_nothing_else_may_be_missing() {
    let (dir, before) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(pruned(dir.path(), before.path()).await > 3);
    let report = assert_intact(dir.path());
    assert!(report.pruned_below > 256);
    assert_eq!(report.last.unwrap().kept, report.pruned_below);
    // A crash before the deletion.
    let last_deleted = segments(before.path()).into_iter().rfind(|p| !dir.path().join(p.file_name().unwrap()).exists()).unwrap();
    let back = dir.path().join(last_deleted.file_name().unwrap());
    fs::copy(&last_deleted, &back).unwrap();
    assert!(assert_intact(dir.path()).pruned_below < report.pruned_below);
    fs::remove_file(back).unwrap();
    // Still known after a restart, without another deletion.
    let device = open(dir.path(), SEGMENTS, None).unwrap();
    fill(&device, 20, 5).await;
    device.close(at(3000)).unwrap();
    assert_eq!(assert_intact(dir.path()).last.unwrap().kept, report.pruned_below);
    // One more than was stated.
    fs::remove_file(segments(dir.path()).first().unwrap()).unwrap();
    assert!(!verified(dir.path()).is_intact());
    let moved = archived(dir.path());
    assert!(moved.is_intact() && moved.pruned_below > report.pruned_below, "{:#?}", moved.problems);
}

#[tokio::test]
async fn a_deletion_is_stated_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), SEGMENTS, 1000, 20).await;
    let device = open(dir.path(), Limits { budget_bytes: 50_000, ..SEGMENTS }, None).unwrap();
    // A folder in its place can't be deleted.
    let (oldest, away) = (segments(dir.path()).remove(0), dir.path().join("away"));
    fs::rename(&oldest, &away).unwrap();
    fs::create_dir(&oldest).unwrap();
    assert!(device.rotate(at(1100)).is_err());
    drop(device);
    fs::remove_dir(&oldest).unwrap();
    fs::rename(&away, &oldest).unwrap();
    let report = assert_intact(dir.path());
    assert!(report.pruned_below == 0 && report.last.unwrap().kept > 0);
}

#[tokio::test]
async fn archived_segments_may_only_be_the_first_ones() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), SEGMENTS, 1000, 20).await;
    let files = segments(dir.path());
    let middle = fs::read(&files[1]).unwrap();
    fs::remove_file(&files[1]).unwrap();
    assert!(!archived(dir.path()).is_intact(), "a gap");
    fs::write(&files[1], middle).unwrap();
    fs::remove_file(&files[0]).unwrap();
    assert!(!verified(dir.path()).is_intact());
    let report = archived(dir.path());
    assert!(report.is_intact() && report.pruned_below > 0, "{:#?}", report.problems);
    // What is missing can be moved by hand and still be pruned later.
    let device = open(dir.path(), Limits { budget_bytes: 50_000, ..SEGMENTS }, None).unwrap();
    fs::remove_file(&files[1]).unwrap();
    device.append(&crate::support::rest(1, at(1000), 10)).unwrap().await.unwrap();
    device.rotate(at(1100)).unwrap();
    device.close(at(1200)).unwrap();
    assert!(assert_intact(dir.path()).last.unwrap().kept > 256);
}
