//! A device in a temporary folder, with time and randomness under control.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use strongroom_audit::{
    AuditError, Device, FileConfig, FileDevice, Hash, Head, Limits, Medium, Options, Report, log_public_key, verify,
};
use strongroom_types::{Rng, SecretBytes, Timestamp};

pub const START_S: u64 = 1_764_014_482;

pub struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        out.iter_mut().zip(n.to_le_bytes().into_iter().cycle()).for_each(|(place, b)| *place = b);
    }
}

pub fn rng() -> Arc<dyn Rng> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Arc::new(Counting(AtomicU64::new(NEXT.fetch_add(1 << 32, Ordering::Relaxed))))
}

pub fn log_key() -> SecretBytes {
    SecretBytes::new(vec![42; 32])
}

pub fn public_key() -> Hash {
    log_public_key(&log_key()).unwrap()
}

pub fn at(s: u64) -> Timestamp {
    Timestamp::from_s(START_S + s)
}

pub fn config(folder: &Path, limits: Limits) -> FileConfig {
    FileConfig {
        path: folder.join("audit.log"),
        hash_key: SecretBytes::new(vec![7; 32]),
        log_key: log_key(),
        expected: None,
        limits,
        is_sync: false,
        store_head: Arc::new(|| 99),
        accepts_older_store: false,
        rng: rng(),
    }
}

pub fn open(folder: &Path, limits: Limits, expected: Option<Head>) -> Result<FileDevice, AuditError> {
    FileDevice::open(FileConfig { expected, ..config(folder, limits) }, at(0))
}

/// What follows the sequence number.
pub fn rest(n: u64, time: Timestamp, bytes: usize) -> Vec<u8> {
    let mut text = time.rfc3339();
    if !text.contains('.') {
        text = text.replace('Z', ".000000000Z");
    }
    let padding = "x".repeat(bytes);
    format!("\"time\":\"{text}\",\"type\":\"request\",\"n\":{n},\"padding\":\"{padding}\"}}").into_bytes()
}

/// Appends `count` lines, `per_tick` of them per tick, a second apart, and closes.
pub async fn filled(folder: &Path, limits: Limits, count: u64, per_tick: u64) -> Option<Head> {
    let device = open(folder, limits, None).unwrap();
    fill(&device, count, per_tick).await;
    device.close(at(count)).unwrap();
    device.head()
}

pub async fn fill(device: &FileDevice, count: u64, per_tick: u64) {
    for n in 0..count {
        device.append(&rest(n, at(n), 100)).unwrap().await.unwrap();
        if (n + 1) % per_tick == 0 {
            device.tick(at(n)).unwrap();
        }
    }
}

pub fn verified(folder: &Path) -> Report {
    verify(&folder.join("audit.log"), &public_key(), &Options::default()).unwrap()
}

/// As for a log whose older segments were moved elsewhere.
pub fn archived(folder: &Path) -> Report {
    let options = Options { archived: true, ..Options::default() };
    verify(&folder.join("audit.log"), &public_key(), &options).unwrap()
}

pub fn assert_intact(folder: &Path) -> Report {
    let report = verified(folder);
    assert!(report.is_intact(), "{:#?}", report.problems);
    report
}

/// All regular files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files_below(&path)),
            // Not part of the log: space that is kept aside.
            path if path.ends_with("reserve") => {}
            path => found.push(path),
        }
    }
    found.sort();
    found
}

pub fn copy_folder(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}

/// A disk that takes only part of the next writes, as when it is full.
#[derive(Clone, Default)]
pub struct FullDisk {
    pub failures: Arc<AtomicUsize>,
    pub fails_truncate: Arc<AtomicUsize>,
    pub fails_sync: Arc<AtomicUsize>,
}

struct Failing {
    file: File,
    disk: FullDisk,
}

fn is_due(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
}

impl Medium for Failing {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        if is_due(&self.disk.failures) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.append(bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        match is_due(&self.disk.fails_truncate) {
            true => Err(io::ErrorKind::Other.into()),
            false => self.file.truncate(bytes),
        }
    }

    fn sync(&self) -> io::Result<()> {
        match is_due(&self.disk.fails_sync) {
            true => Err(io::ErrorKind::Other.into()),
            false => self.file.sync(),
        }
    }
}

pub fn open_on(folder: &Path, disk: &FullDisk) -> FileDevice {
    let disk = disk.clone();
    let wrap = Arc::new(move |file| Arc::new(Failing { file, disk: disk.clone() }) as Arc<dyn Medium>);
    FileDevice::open_with(config(folder, Limits::default()), at(0), wrap).unwrap()
}
