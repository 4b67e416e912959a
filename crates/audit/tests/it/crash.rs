//! Kills, torn ends and cut files: what is recovered and what is refused.

use std::io::Write as _;

use strongroom_audit::{AuditError, Device, Head, Limits};

use crate::support::{self, assert_intact, at, copy_folder, fill, filled, open, rest};

fn append(path: &std::path::Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn cut(path: &std::path::Path, bytes: u64) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

#[tokio::test]
async fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let limits = Limits { epoch_s: 30, segment_bytes_max: 20_000, ..Limits::default() };
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    let mut expected: Option<Head> = None;
    for round in 0..30u64 {
        let device = open(dir.path(), limits, expected).unwrap();
        fill(&device, 37 + round, 10).await;
        acknowledged += 37 + round;
        // A kill: lines after the last tick, one that nobody waited for, no close.
        drop(device.append(&rest(0, at(99), 10)).unwrap());
        expected = device.head();
        drop(device);
        if round % 2 == 0 {
            append(&dir.path().join("audit.log"), b"{\"seq\":1234,\"time\":\"20");
            append(&dir.path().join("audit.log.tree/checkpoints"), b"strongroom.audit/0123456789abcdef\n12\nAAAA");
        }
        assert_intact(dir.path());
    }
    let device = open(dir.path(), limits, expected).unwrap();
    device.close(at(9999)).unwrap();
    let report = assert_intact(dir.path());
    assert_eq!(report.restarts.len(), 31);
    assert_eq!(report.restarts.iter().filter(|r| r.dropped_bytes == 22).count(), 15);
    let records: u64 = report.size - report.epochs;
    assert_eq!(records, acknowledged);
}

#[tokio::test]
async fn a_first_line_that_is_torn_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("audit.log"), "{\"se").unwrap();
    filled(dir.path(), Limits::default(), 10, 5).await;
    assert_eq!(assert_intact(dir.path()).restarts[0].dropped_bytes, 4);
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("audit.log"), "somebody else's\n").unwrap();
    assert!(matches!(open(other.path(), Limits::default(), None), Err(AuditError::Mismatch { .. })));
}

#[tokio::test]
async fn lost_tiles_are_made_again_from_records() {
    let dir = tempfile::tempdir().unwrap();
    let head = filled(dir.path(), Limits::default(), 1500, 100).await;
    let tile = dir.path().join("audit.log.tree/tile/0/003");
    cut(&tile, 100);
    std::fs::remove_file(dir.path().join("audit.log.tree/tile/0/004")).unwrap();
    let device = open(dir.path(), Limits::default(), head).unwrap();
    device.close(at(2000)).unwrap();
    assert_intact(dir.path());
}

/// Applies `damage` to a closed log and opens it again.
async fn reopened(damage: impl Fn(&std::path::Path)) -> Result<(), AuditError> {
    let dir = tempfile::tempdir().unwrap();
    let head = filled(dir.path(), Limits::default(), 600, 10).await;
    damage(dir.path());
    open(dir.path(), Limits::default(), head).map(|_| ())
}

#[tokio::test]
async fn what_does_not_extend_the_acknowledged_head_is_refused() {
    type Damage = fn(&std::path::Path);
    let cases: [(&str, Damage); 8] = [
        ("log cut within the last line", |f| {
            cut(&f.join("audit.log"), std::fs::metadata(f.join("audit.log")).unwrap().len() - 1)
        }),
        ("log cut far back", |f| cut(&f.join("audit.log"), 5_000)),
        ("log gone", |f| std::fs::remove_file(f.join("audit.log")).unwrap()),
        ("tree gone", |f| std::fs::remove_dir_all(f.join("audit.log.tree")).unwrap()),
        ("checkpoints gone", |f| std::fs::remove_file(f.join("audit.log.tree/checkpoints")).unwrap()),
        ("checkpoints cut", |f| cut(&f.join("audit.log.tree/checkpoints"), 1_000)),
        ("all gone", |f| {
            std::fs::remove_file(f.join("audit.log")).unwrap();
            std::fs::remove_dir_all(f.join("audit.log.tree")).unwrap();
        }),
        ("last line changed", |f| {
            let mut bytes = std::fs::read(f.join("audit.log")).unwrap();
            let at = bytes.len() - 10;
            bytes[at] ^= 1;
            std::fs::write(f.join("audit.log"), bytes).unwrap();
        }),
    ];
    for (name, damage) in cases {
        let result = reopened(damage).await;
        assert!(matches!(result, Err(AuditError::Behind { .. } | AuditError::Mismatch { .. })), "{name}: {result:?}");
    }
    reopened(|_| {}).await.unwrap();
}

#[tokio::test]
async fn an_older_copy_is_noticed() {
    let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(dir.path(), Limits::default(), 50, 10).await;
    copy_folder(dir.path(), old.path());
    let device = open(dir.path(), Limits::default(), None).unwrap();
    fill(&device, 20, 5).await;
    device.close(at(100)).unwrap();
    let head = device.head();
    assert!(matches!(open(old.path(), Limits::default(), head), Err(AuditError::Behind { .. })));
    // The same size, another history.
    let device = open(old.path(), Limits::default(), None).unwrap();
    fill(&device, 20, 5).await;
    device.append(&support::rest(9, at(50), 1)).unwrap().await.unwrap();
    device.close(at(100)).unwrap();
    drop(device);
    assert!(matches!(open(old.path(), Limits::default(), head), Err(AuditError::Mismatch { .. })));
}

#[tokio::test]
async fn another_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), Limits::default(), 5, 5).await;
    let mut config = support::config(dir.path(), Limits::default());
    config.log_key = strongroom_types::SecretBytes::new(vec![1; 32]);
    assert!(matches!(strongroom_audit::FileDevice::open(config, at(0)), Err(AuditError::Mismatch { .. })));
}
