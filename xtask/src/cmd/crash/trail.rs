//! The audit side of a crash: every acknowledged request must have its response line, and the offline verifier must
//! accept what the killed server left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::run;
use crate::server::files_below;

/// Where each audit file was read to, by inode: segments are renamed and new ones begun.
#[derive(Default)]
pub struct Trail {
    offsets: BTreeMap<u64, u64>,
}

impl Trail {
    /// Paths of all response lines written since the last call.
    pub fn answered(&mut self, dir: &Path) -> Result<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        for path in files_below(dir)? {
            let mut file = File::open(&path)?;
            let offset = self.offsets.entry(file.metadata()?.ino()).or_default();
            file.seek(SeekFrom::Start(*offset))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            *offset += bytes.len() as u64;
            for line in bytes.split(|b| *b == b'\n').filter(|l| l.starts_with(b"{")) {
                let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
                if let ("response", Some(path)) =
                    (record["type"].as_str().unwrap_or_default(), record["request"]["path"].as_str())
                {
                    paths.insert(path.to_owned());
                }
            }
        }
        Ok(paths)
    }
}

/// `strongroom audit verify`; Errors: it found fault.
pub fn verify(bin: &Path, file: &Path) -> Result<()> {
    let output = run::output(Command::new(bin).args(["audit", "verify"]).arg(file))?;
    if !output.status.success() {
        bail!(
            "audit verify: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
