//! Another installation's log where this one's should be, after a snapshot of other keys took the store's place: it is moved
//! into a folder beside, whole, where it still verifies with its own key.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_types::SecretBytes;

use super::medium::{make_folder, sync_folder_of};
use super::segment;
use crate::{AuditError, log_public_key};

/// Moves the log at `path` aside if it belongs to another key than `log_key`; answers where to. Blocks. May be repeated after
/// a crash: the part that tells whose log it is moves last. Errors: `Io`, `Locked` when another process writes it.
pub fn set_aside_foreign(path: &Path, log_key: &SecretBytes) -> Result<Option<PathBuf>, AuditError> {
    let tree = segment::tree_folder(path);
    let key_path = tree.join("key");
    let Ok(found) = fs::read_to_string(&key_path) else { return Ok(None) };
    if found.is_empty() || found == format!("{}\n", BASE64.encode(log_public_key(log_key)?)) {
        return Ok(None);
    }
    let lock = fs::File::open(&key_path).map_err(AuditError::io("opening", &key_path))?;
    lock.try_lock().map_err(|_| AuditError::Locked { file: key_path.clone() })?;
    let aside = aside_of(path, &found);
    make_folder(&aside).map_err(AuditError::io("creating", &aside))?;
    let segments = segment::list(path).map_err(AuditError::io("listing", path))?;
    let files = segments.iter().map(|segment| segment.path.as_path()).filter(|p| *p != path);
    for from in files.chain([path, tree.as_path()]) {
        move_into(from, &aside)?;
    }
    sync_folder_of(path)?;
    Ok(Some(aside))
}

/// Named by the log's own key, so that a second try finds the same place.
fn aside_of(path: &Path, key: &str) -> PathBuf {
    let mark: String = key.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".of-{mark}"));
    name.into()
}

fn move_into(from: &Path, folder: &Path) -> Result<(), AuditError> {
    let Some(name) = from.file_name() else { return Ok(()) };
    match fs::rename(from, folder.join(name)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(AuditError::io("moving", from)(e)),
        _ => Ok(()),
    }
}
