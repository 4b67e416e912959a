//! What a device does while all is well or its disk is not.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use strongroom_audit::sink::conformance;
use strongroom_audit::{AuditError, Device, FileConfig, FileDevice, Limits, LinesConfig, LinesDevice};
use strongroom_types::SecretBytes;

use crate::support::{self, FullDisk, archived, assert_intact, at, fill, filled, open, rest, verified};

fn lines_of(path: &std::path::Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_file_sink_keeps_the_promises_of_all_sinks() {
    for is_sync in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let config = FileConfig { is_sync, ..support::config(dir.path(), Limits::default()) };
        let path = config.path.clone();
        let device = FileDevice::open(config, at(0)).unwrap();
        conformance::check(&device, at(0), || lines_of(&path)).await.unwrap();
        let report = assert_intact(dir.path());
        assert_eq!((report.size, report.uncheckpointed), (301, 0));
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_lines_sink_keeps_the_promises_of_all_sinks() {
    let out = Shared::default();
    let config = LinesConfig {
        out: Box::new(out.clone()),
        hash_key: SecretBytes::new(vec![7; 32]),
        log_key: support::log_key(),
        limits: Limits::default(),
        store_head: Arc::new(|| 1),
        rng: support::rng(),
    };
    let device = LinesDevice::open(config, at(0)).unwrap();
    let lines = || String::from_utf8(out.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    conformance::check(&device, at(0), lines).await.unwrap();
    let checkpoints = lines().iter().filter(|l| l.contains("\"type\":\"checkpoint\"")).count();
    assert_eq!(checkpoints, 5, "one at the start, one per tick with news, one at the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_are_dense_under_concurrency() {
    for is_sync in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let device = FileDevice::open(FileConfig { is_sync, ..support::config(dir.path(), Limits::default()) }, at(0)).unwrap();
        let device = Arc::new(device);
        let tasks: Vec<_> = (0..64u64)
            .map(|task| {
                let device = device.clone();
                tokio::spawn(async move {
                    for n in 0..50 {
                        let ticket = device.append(&rest(task * 1000 + n, at(0), 300)).unwrap();
                        if n % 7 == 3 {
                            drop(ticket); // a client that hung up
                            continue;
                        }
                        tokio::task::yield_now().await;
                        ticket.await.unwrap();
                    }
                })
            })
            .collect();
        let ticker = {
            let device = device.clone();
            tokio::task::spawn_blocking(move || (0..20).try_for_each(|n| device.tick(at(n))))
        };
        for task in tasks {
            tokio::time::timeout(std::time::Duration::from_secs(60), task).await.expect("nobody waits for ever").unwrap();
        }
        ticker.await.unwrap().unwrap();
        device.close(at(30)).unwrap();
        let report = assert_intact(dir.path());
        assert_eq!(report.size, 64 * 50 + 1);
        let lines = lines_of(&dir.path().join("audit.log"));
        let distinct: HashSet<_> = lines.iter().filter_map(|l| l.split("\"n\":").nth(1)).collect();
        assert_eq!(distinct.len(), 64 * 50, "every line once");
    }
}

#[tokio::test]
async fn an_abandoned_leader_hands_over() {
    let dir = tempfile::tempdir().unwrap();
    let device = open(dir.path(), Limits::default(), None).unwrap();
    let first = device.append(&rest(1, at(0), 10)).unwrap();
    let second = device.append(&rest(2, at(0), 10)).unwrap();
    drop(first);
    second.await.unwrap();
    assert_eq!(lines_of(&dir.path().join("audit.log")).len(), 3);
}

#[tokio::test]
async fn a_full_disk_fails_the_records_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FullDisk::default();
    let device = support::open_on(dir.path(), &disk);
    fill(&device, 10, 5).await;
    // The first try takes the reserve, the second fails for good.
    for (failures, truncates_late) in [(2, 0), (1, 3)] {
        disk.failures.store(failures, Ordering::Relaxed);
        disk.fails_truncate.store(truncates_late, Ordering::Relaxed);
        let tickets: Vec<_> = (0..5).map(|n| device.append(&rest(n, at(1), 50)).unwrap()).collect();
        for ticket in tickets {
            assert!(matches!(ticket.await, Err(AuditError::Io { .. })), "everyone in the batch is told");
        }
        if truncates_late > 0 {
            let again = device.append(&rest(0, at(1), 50)).unwrap().await;
            assert!(again.is_err(), "nothing is written behind a torn line");
        }
        fill(&device, 10, 5).await;
    }
    device.close(at(20)).unwrap();
    let report = assert_intact(dir.path());
    assert_eq!((report.size, report.torn_bytes), (31, 0));
}

#[tokio::test]
async fn a_full_disk_leaves_a_way_in_until_there_is_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FullDisk::default();
    let device = support::open_on(dir.path(), &disk);
    let reserve = dir.path().join("audit.log.tree/reserve");
    assert!(reserve.exists() && !device.is_short_of_space());
    disk.failures.store(1, Ordering::Relaxed);
    device.append(&rest(0, at(1), 50)).unwrap().await.unwrap();
    assert!(!reserve.exists() && device.is_short_of_space(), "the record is in, the reserve is gone, others are told");
    device.tick(at(2)).unwrap();
    assert!(reserve.exists() && !device.is_short_of_space(), "there is room here");
    device.close(at(3)).unwrap();
    assert_intact(dir.path());
}

#[tokio::test]
async fn a_failed_checkpoint_sync_stops_the_device() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FullDisk::default();
    let device = support::open_on(dir.path(), &disk);
    fill(&device, 3, 10).await;
    disk.fails_sync.store(1, Ordering::Relaxed);
    assert!(device.tick(at(5)).is_err());
    assert!(device.append(&rest(4, at(5), 10)).is_err(), "the kernel may have lost what was acknowledged");
}

#[tokio::test]
async fn a_full_buffer_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { buffer_bytes_max: 1000, ..Limits::default() };
    let device = open(dir.path(), limits, None).unwrap();
    assert!(matches!(device.append(&rest(0, at(0), 2000)), Err(AuditError::TooLarge { .. })));
    let ticket = device.append(&rest(0, at(0), 600)).unwrap();
    assert!(matches!(device.append(&rest(1, at(0), 600)), Err(AuditError::Full)));
    ticket.await.unwrap();
    device.append(&rest(1, at(0), 600)).unwrap().await.unwrap();
}

#[tokio::test]
async fn cve_2021_38553_files_are_private_and_links_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("audit.log");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    filled(&folder, Limits { segment_bytes_max: 1000, ..Limits::default() }, 20, 5).await;
    for file in support::files_below(&folder) {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode & 0o177, 0, "{} {mode:o}", file.display());
    }
    let tree = std::fs::metadata(folder.join("audit.log.tree")).unwrap().permissions().mode();
    assert_eq!(tree & 0o077, 0);

    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&path, other.path().join("audit.log")).unwrap();
    assert!(matches!(open(other.path(), Limits::default(), None), Err(AuditError::Io { .. })));
    std::fs::remove_file(other.path().join("audit.log")).unwrap();
    std::fs::create_dir(other.path().join("audit.log")).unwrap();
    assert!(open(other.path(), Limits::default(), None).is_err());
}

#[tokio::test]
async fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let device = open(dir.path(), Limits::default(), None).unwrap();
    assert!(matches!(open(dir.path(), Limits::default(), None), Err(AuditError::Locked { .. })));
    drop(device);
    open(dir.path(), Limits::default(), None).unwrap();
}

#[tokio::test]
async fn epochs_follow_each_other_and_segments_turn() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { epoch_s: 60, epoch_records: 1000, segment_bytes_max: 50_000, ..Limits::default() };
    filled(dir.path(), limits, 2000, 20).await;
    let report = assert_intact(dir.path());
    assert!(report.epochs > 30, "{}", report.epochs);
    assert!(strongroom_audit_segments(dir.path()) > 5);
    assert_eq!(report.restarts.len(), 1);
    assert_eq!(report.last.unwrap().store, 99);
    // An idle device appoints nobody.
    let device = open(dir.path(), limits, None).unwrap();
    let size = device.head().unwrap().size;
    device.tick(at(9000)).unwrap();
    device.tick(at(9900)).unwrap();
    assert_eq!(device.head().unwrap().size, size);
}

fn strongroom_audit_segments(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().starts_with("audit.log.0")).count()
}

#[tokio::test]
async fn pruned_segments_leave_a_verifiable_tree() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { epoch_s: 100, segment_bytes_max: 40_000, budget_bytes: 100_000, ..Limits::default() };
    let head = filled(dir.path(), limits, 3000, 10).await;
    assert!(strongroom_audit_segments(dir.path()) <= 4);
    let report = assert_intact(dir.path());
    assert!(report.pruned_below > 1000, "{}", report.pruned_below);
    assert!(report.size > 3000);
    // It also goes on.
    let device = open(dir.path(), limits, head).unwrap();
    fill(&device, 300, 10).await;
    device.close(at(4000)).unwrap();
    assert_eq!(assert_intact(dir.path()).restarts.len(), 2);
    // A changed hash of a pruned record is found.
    let tile = dir.path().join("audit.log.tree/tile/0/001");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[77] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    assert!(!verified(dir.path()).is_intact());
}

#[tokio::test]
async fn a_moved_file_is_followed_by_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let away = tempfile::tempdir().unwrap();
    let device = open(dir.path(), Limits::default(), None).unwrap();
    fill(&device, 700, 50).await;
    std::fs::rename(dir.path().join("audit.log"), away.path().join("old")).unwrap();
    fill(&device, 50, 50).await;
    device.rotate(at(800)).unwrap();
    let moved = lines_of(&away.path().join("old")).len() as u64;
    assert!(moved > 750);
    drop(device);
    let device = open(dir.path(), Limits::default(), None).unwrap();
    fill(&device, 5, 1).await;
    device.close(at(900)).unwrap();
    assert!(!verified(dir.path()).is_intact(), "the server did not delete it");
    let report = archived(dir.path());
    assert!(report.is_intact(), "{:#?}", report.problems);
    assert_eq!(report.pruned_below, moved);
    assert!(report.size > moved + 5);
}

/// As when a server is sealed and unsealed again while a request of before is still under way.
#[tokio::test]
async fn a_closed_log_is_free_although_somebody_still_holds_its_device() {
    let dir = tempfile::tempdir().unwrap();
    let old = open(dir.path(), Limits::default(), None).unwrap();
    fill(&old, 300, 100).await;
    old.close(at(1)).unwrap();
    let new = open(dir.path(), Limits { epoch_s: 1, ..Limits::default() }, old.head()).unwrap();
    fill(&new, 300, 100).await;
    // Late work of the old one changes nothing.
    assert!(!old.needs_tick(at(100_000)));
    drop((old.tick(at(100_000)), old.rotate(at(100_000))));
    assert!(matches!(old.append(&rest(1, at(1), 10)), Err(AuditError::Closed)));
    assert!(old.close(at(100_001)).is_ok());
    assert!(matches!(open(dir.path(), Limits::default(), None), Err(AuditError::Locked { .. })), "it is the new one's");
    new.close(at(2)).unwrap();
    assert_intact(dir.path());
}
