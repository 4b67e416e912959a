//! The file where `login` leaves the token for later commands, at the place other clients of this API use. Must never be readable
//! by others, not even for a moment.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use strongroom_types::SecretString;

/// None when there is no token.
pub(super) fn load(path: &Path) -> io::Result<Option<SecretString>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let whole = SecretString::new(text);
            let token = SecretString::from(whole.expose().trim());
            Ok(if token.is_empty() { None } else { Some(token) })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the file as a whole: a new one with mode 0600 takes the old one's place, whatever mode that had.
pub(super) fn store(path: &Path, token: &SecretString) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut file| {
        file.write_all(token.expose().as_bytes())?;
        file.sync_all()
    });
    let stored = written.and_then(|()| fs::rename(&draft, path));
    if stored.is_err() {
        // The first error is the one to tell; the draft may not exist.
        let _ = fs::remove_file(&draft);
    }
    stored
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_token_comes_back_and_only_the_owner_may_read_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".vault-token");
        assert!(load(&path).unwrap().is_none());
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        store(&path, &"s.new".into()).unwrap();
        assert_eq!(load(&path).unwrap().unwrap().expose(), "s.new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn surrounding_space_is_no_part_of_the_token() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("t");
        fs::write(&path, "s.x\n").unwrap();
        assert_eq!(load(&path).unwrap().unwrap().expose(), "s.x");
        fs::write(&path, "\n").unwrap();
        assert!(load(&path).unwrap().is_none());
    }
}
