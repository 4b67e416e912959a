//! A little disk kept aside. When the disk is full it is given back, so that the log can still take what the operator does
//! to make room; everybody else is refused meanwhile (design decision 7). It is taken again when there is room.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::FallocateFlags;

use super::medium::open_append;

/// Enough for about a thousand requests.
const RESERVE_BYTES: u64 = 4 * 1024 * 1024;
/// Free space at which the reserve is taken again.
const ROOM_BYTES: u64 = 32 * 1024 * 1024;

pub(super) struct Reserve {
    path: PathBuf,
    is_given: AtomicBool,
}

impl Reserve {
    /// Keeps the space. A disk that has none already begins in want of it.
    pub(super) fn open(tree_folder: &Path) -> Self {
        let reserve = Self { path: tree_folder.join("reserve"), is_given: AtomicBool::new(false) };
        reserve.is_given.store(reserve.take().is_err(), Ordering::Relaxed);
        reserve
    }

    pub(super) fn is_given(&self) -> bool {
        self.is_given.load(Ordering::Relaxed)
    }

    /// Gives the space back. False when it was given before.
    pub(super) fn give(&self) -> bool {
        self.is_given.store(true, Ordering::Relaxed);
        fs::remove_file(&self.path).is_ok()
    }

    /// Takes the space again if there is room by now.
    pub(super) fn restore(&self) {
        if self.is_given() && self.has_room() && self.take().is_ok() {
            self.is_given.store(false, Ordering::Relaxed);
        }
    }

    fn has_room(&self) -> bool {
        let room = |s: rustix::fs::StatVfs| s.f_bavail.saturating_mul(s.f_frsize) >= ROOM_BYTES;
        self.path.parent().and_then(|folder| rustix::fs::statvfs(folder).ok()).is_some_and(room)
    }

    /// Errors: whatever keeps the space from being kept; then no file is left.
    fn take(&self) -> io::Result<()> {
        let file: File = open_append(&self.path).map_err(|e| io::Error::other(e.to_string()))?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES) {
            // A file system that can't promise space: there is no reserve then, but everything else works.
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(e) => {
                let _ = fs::remove_file(&self.path);
                Err(e.into())
            }
        }
    }
}
