//! The data folder: made for its owner only, locked against a second process, refused when it holds somebody else's data
//! (decisions.md 19). It never changes a folder before it knows that it is ours or empty.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{Config, sqlite::Doing};
use crate::{Error, Result};

pub(super) const DATABASE: &str = "strongroom.db";
const LOCK: &str = "lock";
/// What may stand in a folder that holds no store yet: our lock, and what `mkfs` puts on every volume.
const NOT_FOREIGN: [&str; 2] = [LOCK, "lost+found"];
/// Most names of foreign files told in the error.
const NAMES_TOLD_MAX: usize = 3;

/// A folder that is ours, with its lock held by somebody above.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub database: PathBuf,
    pub size_bytes_max: Option<u64>,
}

/// Makes or takes the folder. The lock lasts as long as the file lives.
pub(super) fn claim(config: &Config) -> Result<(Place, File)> {
    let folder = make(&config.folder)?;
    refuse_foreign(&folder)?;
    let lock = lock(&folder)?;
    let database = folder.join(DATABASE);
    make_private(&database)?;
    sync_names(&folder).doing("syncing the data folder")?;
    Ok((Place { database, size_bytes_max: config.size_bytes_max }, lock))
}

/// The folder's path without symbolic links, so that the database can be opened with none allowed.
fn make(folder: &Path) -> Result<PathBuf> {
    let doing = || format!("making the data folder `{}`", folder.display());
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).doing(&doing())?;
        fs::set_permissions(folder, Permissions::from_mode(0o700)).doing(&doing())?; // whatever the umask took away
        let parent = folder.canonicalize().doing(&doing())?.parent().map(Path::to_path_buf);
        parent.map_or(Ok(()), |parent| sync_names(&parent)).doing(&doing())?;
    }
    let folder = folder.canonicalize().doing(&doing())?;
    let mode = fs::metadata(&folder).doing(&doing())?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(folder = %folder.display(), "other users have access to the data folder; mode 0700 is safer");
    }
    Ok(folder)
}

fn refuse_foreign(folder: &Path) -> Result<()> {
    if folder.join(DATABASE).exists() {
        return Ok(());
    }
    let mut foreign: Vec<OsString> = Vec::new();
    for entry in fs::read_dir(folder).doing("reading the data folder")? {
        let name = entry.doing("reading the data folder")?.file_name();
        if !NOT_FOREIGN.iter().any(|known| name == *known) {
            foreign.push(name);
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    foreign.sort();
    let whose = if foreign.iter().any(|name| name == "vault.db" || name == "raft") { " of another server (raft)" } else { "" };
    let names: Vec<_> = foreign.iter().take(NAMES_TOLD_MAX).map(|name| format!("`{}`", Path::new(name).display())).collect();
    Err(Error::Operator(format!(
        "data folder `{}` holds data{whose} that is not Strongroom's ({}): choose an empty folder",
        folder.display(),
        names.join(", ")
    )))
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut file = private().read(true).open(&path).doing("opening the lock of the data folder")?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
        Err(TryLockError::Error(error)) => return Err(error).doing("locking the data folder"),
    }
    file.set_len(0).doing("writing the lock of the data folder")?;
    writeln!(file, "{}", std::process::id()).doing("writing the lock of the data folder")?;
    Ok(file)
}

fn in_use(folder: &Path, lock: &mut File) -> Error {
    let mut holder = String::new();
    let told = lock.take(20).read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
    let holder = if told { format!(" (process {})", holder.trim()) } else { String::new() };
    Error::Operator(format!("data folder `{}` is in use by another server{holder}", folder.display()))
}

/// Makes the file if needed. SQLite gives its log files the mode of the database file.
fn make_private(database: &Path) -> Result<()> {
    let file = private().open(database).doing("opening the database file")?;
    file.set_permissions(Permissions::from_mode(0o600)).doing("protecting the database file")
}

/// The names of new files must survive a crash as well.
fn sync_names(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}
