//! All devices together, and what the pipeline sees of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use strongroom_audit::{
    AuditError, AuthBlock, AuthFacts, ClearPaths, Data, Device, DiscardDevice, FragmentCache, Kind, Limits, Log, Names, Record,
    RequestFacts,
};
use strongroom_types::SecretBytes;

use crate::support::{FullDisk, assert_intact, at, files_below, open, open_on};

const CANARIES: [&str; 4] = ["canary-token", "canary-accessor", "canary-password", "31337"];

fn record_with<T>(act: impl FnOnce(&Record<'_>) -> T) -> T {
    let fragments = FragmentCache::new();
    let block = AuthBlock {
        client_token: "canary-token",
        accessor: "canary-accessor",
        display_name: "token",
        policies: Names::Texts(&["default"]),
        ..AuthBlock::default()
    };
    let clear = ClearPaths::none();
    let data = Some(Data { json: r#"{"data":{"p":"canary-password","n":31337}}"#, clear: &clear, clear_keys: &[] });
    let request = RequestFacts { id: "r", operation: "create", path: "secret/data/a", data, ..RequestFacts::default() };
    let auth = AuthFacts { block, fragments: &fragments };
    act(&Record { kind: Kind::Request, time: at(0), auth: Some(&auth), request: &request, response: None, error: None })
}

#[tokio::test]
async fn no_secret_reaches_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::new(vec![("file/".into(), Arc::new(open(dir.path(), Limits::default(), None).unwrap()) as Arc<dyn Device>)]);
    for _ in 0..300 {
        record_with(|record| log.record(record)).await.unwrap();
    }
    log.tick(at(1)).await.unwrap();
    let hash = log.hash_key("file/").unwrap().hash("canary-password");
    log.close(at(1)).unwrap();
    for file in files_below(dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for canary in CANARIES {
            let is_there = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
            assert!(!is_there, "{canary} in {}", file.display());
        }
    }
    let text = std::fs::read_to_string(dir.path().join("audit.log")).unwrap();
    assert_eq!(text.matches(&hash).count(), 300, "who knows the value finds it");
    assert_eq!(assert_intact(dir.path()).size, 301);
    assert_eq!(log.heads()[0].1.size, 301);
}

#[tokio::test]
async fn a_record_fails_only_when_no_device_took_it() {
    let (dir, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = FullDisk::default();
    let gate: Arc<dyn Device> = Arc::new(open_on(dir.path(), &disk));
    let other: Arc<dyn Device> = Arc::new(open(second.path(), Limits::default(), None).unwrap());
    let one = Log::new(vec![("file/".into(), gate.clone())]);
    let two = Log::new(vec![("file/".into(), gate.clone()), ("second/".into(), other.clone())]);

    disk.failures.store(usize::MAX, Ordering::Relaxed);
    assert!(record_with(|r| one.record(r)).await.is_err());
    record_with(|r| two.record(r)).await.unwrap();
    disk.failures.store(0, Ordering::Relaxed);
    record_with(|r| two.record(r)).await.unwrap();
    gate.close(at(0)).unwrap();
    assert!(matches!(record_with(|r| one.record(r)).await, Err(AuditError::Closed)));
    record_with(|r| two.record(r)).await.unwrap();
    let only_second = Log::new(vec![("second/".into(), other)]);
    assert_eq!(only_second.devices().count(), 1);
    only_second.tick(at(0)).await.unwrap();
    assert_eq!(std::fs::read_to_string(second.path().join("audit.log")).unwrap().lines().count(), 4);
}

#[tokio::test]
async fn without_devices_everything_fails_unless_told_otherwise() {
    assert!(matches!(record_with(|r| Log::default().record(r)).await, Err(AuditError::NoDevice)));
    record_with(|r| Log::optional(Vec::new()).record(r)).await.unwrap();
}

#[tokio::test]
async fn a_device_that_discards_never_counts() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FullDisk::default();
    let discard: Arc<dyn Device> = Arc::new(DiscardDevice::new(&SecretBytes::new(vec![7; 32])));
    let gate: Arc<dyn Device> = Arc::new(open_on(dir.path(), &disk));
    let both = vec![("discard/".into(), discard.clone()), ("file/".into(), gate)];
    for log in [Log::new(both.clone()), Log::optional(both)] {
        disk.failures.store(0, Ordering::Relaxed);
        record_with(|r| log.record(r)).await.unwrap();
        disk.failures.store(usize::MAX, Ordering::Relaxed);
        assert!(record_with(|r| log.record(r)).await.is_err(), "nobody recorded it");
    }
    let alone = vec![("discard/".into(), discard)];
    assert!(matches!(record_with(|r| Log::new(alone.clone()).record(r)).await, Err(AuditError::NoDevice)));
    record_with(|r| Log::optional(alone.clone()).record(r)).await.unwrap();
}
