//! How far a migration came, in a file that is replaced as a whole. It holds names and counts, and nothing that was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::output::Failure;

const FORMAT: u32 = 1;

#[derive(Default, Serialize, Deserialize)]
pub(super) struct State {
    format: u32,
    /// Source and target: the state of another migration is not continued.
    of: String,
    steps: BTreeSet<String>,
    /// By mount: all keys up to this one are done.
    cursors: BTreeMap<String, String>,
    pub report: Report,
    /// It came to its end: the next run looks at everything again.
    is_finished: bool,
    #[serde(skip)]
    path: Option<PathBuf>,
}

impl State {
    /// Without a file.
    pub(super) fn fresh(of: String) -> Self {
        Self { format: FORMAT, of, ..Self::default() }
    }

    /// Continues an unfinished one. Errors: the file can't be read, or is of other servers.
    pub(super) fn load(path: PathBuf, of: String) -> Result<Self, Failure> {
        let fresh = Self { path: Some(path.clone()), ..Self::fresh(of.clone()) };
        let text = match fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(fresh),
            text => text.map_err(|e| failure("reading", &path, &e))?,
        };
        let found: Self = serde_json::from_slice(&text).map_err(|e| failure("reading", &path, &e))?;
        if found.format != FORMAT || found.of != of {
            let text =
                format!("{} is the state of another migration ({}): name another file with -state", path.display(), found.of);
            return Err(Failure::local(text));
        }
        Ok(if found.is_finished { fresh } else { Self { path: Some(path), ..found } })
    }

    pub(super) fn is_done(&self, step: &str) -> bool {
        self.steps.contains(step)
    }

    pub(super) fn done(&mut self, step: &str) -> Result<(), Failure> {
        self.steps.insert(step.to_owned());
        self.save()
    }

    pub(super) fn cursor(&self, mount: &str) -> Option<&str> {
        self.cursors.get(mount).map(String::as_str)
    }

    pub(super) fn reached(&mut self, mount: &str, key: String) -> Result<(), Failure> {
        self.cursors.insert(mount.to_owned(), key);
        self.save()
    }

    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.is_finished = true;
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_vec(self).map_err(|e| failure("writing", path, &e))?;
        write_private(path, &text)
    }
}

fn failure(doing: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::local(format!("Error {doing} {}: {error}", path.display()))
}

/// Whole or not at all, for the owner only.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|e| failure("writing", path, &e))
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn an_unfinished_one_goes_on_a_finished_one_begins_again_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let load = |of: &str| State::load(folder.path().join("state"), of.to_owned());
        let mut state = load("a > b").unwrap();
        state.done("policies").unwrap();
        state.reached("secret/", "k".into()).unwrap();
        let mut again = load("a > b").unwrap();
        assert!(again.is_done("policies") && !again.is_done("quotas") && again.cursor("secret/") == Some("k"));
        assert!(load("a > c").is_err());
        again.finish().unwrap();
        assert!(!load("a > b").unwrap().is_done("policies"));
    }
}
