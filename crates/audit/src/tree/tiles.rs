//! Files of 256 hashes, 8 KiB each, at the paths that C2SP tlog-tiles gives them. A full tile never changes.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Hash;

pub(crate) const TILE_HASHES: u64 = 256;
pub(crate) const TILE_BYTES: usize = 8192;

#[derive(Clone, Debug)]
pub(crate) struct Tile {
    pub(crate) level: u32,
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
}

/// The `tile` folder of one tree.
#[derive(Clone, Debug)]
pub(crate) struct Tiles {
    folder: PathBuf,
}

impl Tiles {
    pub(crate) fn new(tree_folder: &Path) -> Self {
        Self { folder: tree_folder.join("tile") }
    }

    /// `tile/<level>/x001/x234/067`.
    pub(crate) fn path(&self, level: u32, index: u64) -> PathBuf {
        let mut groups = vec![format!("{:03}", index % 1000)];
        let mut rest = index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        let folder = self.folder.join(level.to_string());
        groups.iter().rev().fold(folder, |path, group| path.join(group))
    }

    /// The folder of a tile's incomplete forms, whose files are named by their number of hashes.
    pub(crate) fn partial_folder(&self, index: u64) -> PathBuf {
        let mut path = self.path(0, index).into_os_string();
        path.push(".p");
        path.into()
    }

    /// A full tile. None when it is missing or has another length.
    pub(crate) fn read(&self, level: u32, index: u64) -> Option<Vec<u8>> {
        fs::read(self.path(level, index)).ok().filter(|bytes| bytes.len() == TILE_BYTES)
    }

    /// Writes a full tile and drops its incomplete forms.
    pub(crate) fn write(&self, tile: &Tile) -> io::Result<()> {
        write(&self.path(tile.level, tile.index), &tile.bytes)?;
        if tile.level == 0 {
            match fs::remove_dir_all(self.partial_folder(tile.index)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the leaves of an incomplete tile; nothing for none.
    pub(crate) fn write_partial(&self, index: u64, bytes: &[u8]) -> io::Result<()> {
        match bytes.len() / 32 {
            0 => Ok(()),
            hashes => write(&self.partial_folder(index).join(hashes.to_string()), bytes),
        }
    }

    /// Incomplete forms of a tile: their leaves, fewest first.
    pub(crate) fn partials(&self, index: u64) -> Vec<(PathBuf, Vec<Hash>)> {
        let Ok(entries) = fs::read_dir(self.partial_folder(index)) else { return Vec::new() };
        let mut found: Vec<_> = entries.flatten().filter_map(|entry| read_partial(&entry.path())).collect();
        found.sort_by_key(|(_, hashes)| hashes.len());
        found
    }

    /// Asks the kernel to put everything written here on disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match fs::File::open(&self.folder) {
            Ok(folder) => rustix::fs::syncfs(folder).map_err(Into::into),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }
}

fn read_partial(path: &Path) -> Option<(PathBuf, Vec<Hash>)> {
    let count: usize = path.file_name()?.to_str()?.parse().ok()?;
    let bytes = fs::read(path).ok()?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    (hashes.len() == count && rest.is_empty()).then(|| (path.to_owned(), hashes.to_vec()))
}

/// SECURITY: mode 0600, as for everything here; hashes of guessable lines tell something too.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let open = || fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = match open() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                crate::sink::file::make_folder(folder)?;
            }
            open()
        }
        opened => opened,
    };
    file?.write_all(bytes)
}
