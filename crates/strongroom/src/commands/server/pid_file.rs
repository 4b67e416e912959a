//! The file that tells other programs our process id. It is removed at an orderly stop, unless another process has
//! written its own id there.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    pub fn write(path: PathBuf) -> anyhow::Result<Self> {
        fs::write(&path, own_line()).with_context(|| format!("pid_file `{}`", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if fs::read_to_string(&self.0).is_ok_and(|found| found == own_line()) {
            // Somebody may have removed it in between.
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn own_line() -> String {
    format!("{}\n", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        drop(PidFile::write(path.clone()).unwrap());
        assert!(!path.exists());
        let held = PidFile::write(path.clone()).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(held);
        assert!(path.exists());
    }
}
