//! Space of a file system.

use std::io;
use std::path::Path;

use rustix::fs::statvfs;

/// Of one mounted file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    pub bytes_total: u64,
    /// What a user without privileges can still fill.
    pub bytes_free: u64,
    /// Also what only root may fill.
    pub bytes_unused: u64,
    pub inodes_total: u64,
    pub inodes_free: u64,
}

/// Blocks, for long when the file system is on a network that hangs.
pub fn disk_space(mount_point: &Path) -> io::Result<DiskSpace> {
    let found = statvfs(mount_point)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(DiskSpace {
        bytes_total: bytes(found.f_blocks),
        bytes_free: bytes(found.f_bavail),
        bytes_unused: bytes(found.f_bfree),
        inodes_total: found.f_files,
        inodes_free: found.f_ffree,
    })
}
