//! The file that tells other programs our process id. It is removed at an orderly stop.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    pub fn write(path: PathBuf) -> anyhow::Result<Self> {
        fs::write(&path, format!("{}\n", std::process::id())).with_context(|| format!("pid_file `{}`", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(&self.0);
    }
}
