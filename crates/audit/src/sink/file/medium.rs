//! The files themselves: how they are opened, and the seam where tests put in a disk that fails.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use crate::AuditError;

/// What lines are written to.
pub trait Medium: Send + Sync {
    /// Puts the bytes at the end. After an error some of them may be there.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    fn truncate(&self, bytes: u64) -> io::Result<()>;

    /// Waits until everything appended is on disk.
    fn sync(&self) -> io::Result<()>;
}

/// Makes the medium of every segment that is opened.
pub(crate) type Wrap = Arc<dyn Fn(File) -> Arc<dyn Medium> + Send + Sync>;

impl Medium for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

pub(crate) fn plain_medium(file: File) -> Arc<dyn Medium> {
    Arc::new(file)
}

/// Opens for appending, creating it with mode 0600. SECURITY: no link is followed at the end of the path, and a file
/// that others could read or run is made private. Errors: `NotAFile` for devices, pipes and folders.
pub(crate) fn open_append(path: &Path) -> Result<File, AuditError> {
    // NONBLOCK, so that a pipe somebody put there can't hang the start; it changes nothing for files.
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from);
    let file = File::from(opened.map_err(AuditError::io("opening", path))?);
    let metadata = file.metadata().map_err(AuditError::io("opening", path))?;
    if !metadata.is_file() {
        return Err(AuditError::NotAFile { file: path.to_owned() });
    }
    if metadata.permissions().mode() & 0o7777 != 0o600 {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(AuditError::io("protecting", path))?;
    }
    Ok(file)
}

/// Creates a folder and those above it, mode 0700.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes creations and renames in a file's folder durable.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), AuditError> {
    let folder = folder_of(path);
    File::open(folder).and_then(|f| f.sync_all()).map_err(AuditError::io("syncing", folder))
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
