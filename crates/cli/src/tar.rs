//! Writes a tar archive: plain files of text, for the owner only. Source: the ustar format of POSIX.1-1988.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const BLOCK: usize = 512;
/// Longest name of the first form of a header.
const NAME_BYTES_MAX: usize = 100;

pub(crate) struct Archive(File);

impl Archive {
    /// Errors: the file exists already, or cannot be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(Self)
    }

    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.0.write_all(&header(name, content.len())?)?;
        self.0.write_all(content)?;
        let rest = content.len().next_multiple_of(BLOCK).saturating_sub(content.len());
        self.0.write_all(&vec![0; rest])
    }

    /// Two empty blocks end an archive.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.0.write_all(&[0; BLOCK * 2])?;
        self.0.sync_all()
    }
}

fn header(name: &str, size: usize) -> io::Result<Vec<u8>> {
    if name.len() > NAME_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name is too long"));
    }
    let fields = |checksum: &str| {
        let mut block = Vec::with_capacity(BLOCK);
        for (text, width) in [
            (name, 100),
            ("0000600\0", 8),
            ("0000000\0", 8),
            ("0000000\0", 8),
            (format!("{size:011o}\0").as_str(), 12),
            (format!("{:011o}\0", now_s()).as_str(), 12),
            (checksum, 8),
            ("0", 1),
            ("", 100),
            ("ustar\x0000", 8),
        ] {
            block.extend_from_slice(text.as_bytes());
            block.resize(block.len().saturating_add(width).saturating_sub(text.len()), 0);
        }
        block.resize(BLOCK, 0);
        block
    };
    // The sum is taken with spaces in its own place.
    let sum: u32 = fields("        ").iter().map(|byte| u32::from(*byte)).sum();
    Ok(fields(&format!("{sum:06o}\0 ")))
}

/// Seconds since 1970, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the time on a file of this machine")]
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_systems_tar_reads_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        let mut archive = Archive::create(&path).unwrap();
        archive.add("one.json", b"{}\n").unwrap();
        archive.add("dir/two.json", &[b'x'; 513]).unwrap();
        assert!(archive.add(&"n".repeat(101), b"").is_err());
        archive.finish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Archive::create(&path).is_err(), "nothing is overwritten");
        let done = std::process::Command::new("tar").arg("-xf").arg(&path).arg("-C").arg(folder.path()).status().unwrap();
        assert!(done.success());
        assert_eq!(std::fs::read(folder.path().join("one.json")).unwrap(), b"{}\n");
        assert_eq!(std::fs::read(folder.path().join("dir/two.json")).unwrap(), [b'x'; 513]);
    }
}
