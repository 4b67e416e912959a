//! Where things are: the repository, what is shared beside it, the build output. Nothing outside of these is named.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The folder of conformance cases and the benchmark: `../shared`, or STRONGROOM_SHARED.
pub fn shared(below: &str) -> Result<PathBuf> {
    let base = std::env::var_os("STRONGROOM_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = base.join(below);
    if !path.exists() {
        bail!("{} is missing; STRONGROOM_SHARED names the folder that holds conformance/ and bench/", path.display());
    }
    Ok(path.canonicalize()?)
}

/// Cargo's output folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A file of this crate, such as `rigs/flip_records.py`.
pub fn own(below: &str) -> PathBuf {
    root().join("xtask").join(below)
}

/// A new folder on the disk that also holds the build output, so that figures of two servers compare; removed on drop.
pub fn work_dir(name: &str) -> Result<tempfile::TempDir> {
    let base = target().join("rigs");
    std::fs::create_dir_all(&base)?;
    Ok(tempfile::Builder::new().prefix(name).tempdir_in(base)?)
}
