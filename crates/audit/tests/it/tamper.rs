//! A thousand ways to change a log, all of which the verifier must find.

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use strongroom_audit::{Device, Limits, Options, verify};

use crate::support::{assert_intact, at, copy_folder, files_below, fill, filled, open, public_key, verified};

const EDITS: usize = 1_000;

fn limits() -> Limits {
    Limits { epoch_s: 60, segment_bytes_max: 40_000, ..Limits::default() }
}

/// A closed log of two runs, several epochs and segments, a full and a partial tile.
async fn log(folder: &Path) {
    filled(folder, limits(), 350, 10).await;
    let device = open(folder, limits(), None).unwrap();
    fill(&device, 80, 10).await;
    device.close(at(500)).unwrap();
}

fn is_line_file(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with("audit.log") && path.parent().unwrap().join("audit.log.tree").exists()
}

/// One random change. What was done, or None when nothing came of it.
fn edit(bytes: &mut Vec<u8>, has_lines: bool, rng: &mut StdRng) -> &'static str {
    let lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let (a, b) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
    let mut changed = lines.clone();
    let name = match if has_lines { rng.random_range(0..7) } else { 0 } {
        0 | 1 => {
            let at = rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << rng.random_range(0..8);
            return "bit flipped";
        }
        2 => {
            changed.remove(a);
            "line deleted"
        }
        3 => {
            changed.insert(b, lines[a].clone());
            "line duplicated"
        }
        4 => {
            changed.swap(a, b);
            "lines swapped"
        }
        5 => {
            let mut forged = lines[a].clone();
            let at = forged.len().saturating_sub(2);
            forged.splice(at..at, *b",\"x\":1");
            changed.insert(b, forged);
            "line inserted"
        }
        _ => {
            bytes.truncate(rng.random_range(0..bytes.len()));
            return "cut";
        }
    };
    *bytes = changed.concat();
    name
}

#[tokio::test]
async fn a_thousand_random_edits_are_all_found() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path()).await;
    let report = assert_intact(dir.path());
    assert_eq!((report.uncheckpointed, report.warnings.len()), (0, 1), "{:?}", report.warnings);
    let notes = std::fs::read_to_string(dir.path().join("audit.log.tree/checkpoints")).unwrap();
    let last = notes.trim_end().rsplit("\n\n").take(2).collect::<Vec<_>>();
    let kept = format!("{}\n\n{}\n", last[1], last[0]);
    let options = Options { checkpoint: Some(kept), ..Options::default() };
    assert!(verify(&dir.path().join("audit.log"), &public_key(), &options).unwrap().is_intact(), "the kept checkpoint holds");

    let files: Vec<PathBuf> = files_below(dir.path());
    let mut rng = StdRng::seed_from_u64(7);
    for n in 0..EDITS {
        let file = &files[rng.random_range(0..files.len())];
        let original = std::fs::read(file).unwrap();
        let mut bytes = original.clone();
        let has_lines = is_line_file(file) || file.ends_with("epochs") || file.ends_with("checkpoints");
        let name = edit(&mut bytes, has_lines, &mut rng);
        if bytes == original {
            continue;
        }
        std::fs::write(file, &bytes).unwrap();
        let report = verify(&dir.path().join("audit.log"), &public_key(), &options).unwrap();
        assert!(!report.is_intact(), "edit {n} of {}: {name}", file.display());
        std::fs::write(file, original).unwrap();
    }
    assert_intact(dir.path());
}

#[tokio::test]
async fn a_deleted_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path()).await;
    for file in files_below(dir.path()) {
        let is_spare = file.parent().unwrap().extension().is_some_and(|e| e == "p"); // kept for a moved segment only
        if is_spare {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert!(!verified(dir.path()).is_intact(), "{}", file.display());
        std::fs::write(&file, bytes).unwrap();
    }
    assert_intact(dir.path());
}

/// Somebody who broke in holds the present key: he can't change what earlier keys signed. Here he even runs our own
/// code on a shortened history, with another log key, and puts the result behind the true beginning.
#[tokio::test]
async fn a_history_signed_by_another_key_is_found() {
    let (dir, forged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    log(dir.path()).await;
    let mut config = crate::support::config(forged.path(), limits());
    config.log_key = strongroom_types::SecretBytes::new(vec![1; 32]);
    let device = strongroom_audit::FileDevice::open(config, at(0)).unwrap();
    fill(&device, 350, 10).await;
    device.close(at(500)).unwrap();
    assert!(!verified(forged.path()).is_intact(), "all of it");
    for name in ["audit.log.tree/checkpoints", "audit.log.tree/epochs", "audit.log"] {
        let mixed = tempfile::tempdir().unwrap();
        copy_folder(dir.path(), mixed.path());
        std::fs::copy(forged.path().join(name), mixed.path().join(name)).unwrap();
        assert!(!verified(mixed.path()).is_intact(), "{name}");
    }
}
