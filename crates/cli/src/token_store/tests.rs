use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::TokenStore;
use crate::environment::Files;

fn home() -> (tempfile::TempDir, Files) {
    let home = tempfile::tempdir().unwrap();
    let files = Files { home: Some(home.path().to_owned()), ..Files::default() };
    (home, files)
}

fn program(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("helper");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn the_token_file_is_in_the_home_or_where_it_is_named() {
    let (home, files) = home();
    assert_eq!(TokenStore::find(&files).unwrap(), TokenStore::File(home.path().join(".vault-token")));
    let files = Files { token: Some("/run/t".into()), ..files };
    assert_eq!(TokenStore::find(&files).unwrap(), TokenStore::File("/run/t".into()));
    let nowhere = TokenStore::find(&Files::default()).unwrap();
    assert!(nowhere.load().unwrap().is_none() && nowhere.store(&"s.x".into()).is_err());
}

#[test]
fn a_helper_keeps_the_token_and_is_given_it_on_standard_input_only() {
    let (home, files) = home();
    let at = home.path().display();
    let helper = program(
        home.path(),
        &format!("echo \"$@\" >> {at}/calls\ncase $1 in get) cat {at}/kept;; store) cat > {at}/kept;; esac"),
    );
    std::fs::write(home.path().join(".vault"), format!("token_helper = \"{}\"", helper.display())).unwrap();
    let store = TokenStore::find(&files).unwrap();
    assert_eq!(store, TokenStore::Helper(helper));
    store.store(&"s.canary".into()).unwrap();
    assert_eq!(store.load().unwrap().unwrap().expose(), "s.canary");
    assert_eq!(std::fs::read_to_string(home.path().join("calls")).unwrap(), "store\nget\n");
    assert!(!home.path().join(".vault-token").exists());
}

#[test]
fn a_helper_that_fails_is_an_error_and_one_that_says_nothing_has_no_token() {
    let (home, _) = home();
    let failing = TokenStore::Helper(program(home.path(), "exit 3"));
    assert!(failing.load().is_err() && failing.store(&"s.x".into()).is_err());
    assert!(TokenStore::Helper("/nonexistent/helper".into()).load().is_err());
    assert!(TokenStore::Helper(program(home.path(), "exit 0")).load().unwrap().is_none());
}

#[test]
fn a_configuration_that_cannot_be_used_is_an_error() {
    for text in ["token_helper = \"helper\"", "token_helper = 1", "nosuch = \"x\"", "token_helper = ", "a {"] {
        let (home, files) = home();
        std::fs::write(home.path().join(".bao"), text).unwrap();
        assert_eq!(TokenStore::find(&files).unwrap_err().code, 1, "{text}");
    }
    let (_home, files) = home();
    assert!(TokenStore::find(&Files { config: Some("/nonexistent/c".into()), ..files }).is_err());
}

#[test]
fn the_first_configuration_counts_and_a_folder_of_that_name_is_none() {
    let (home, files) = home();
    std::fs::create_dir(home.path().join(".bao")).unwrap();
    std::fs::write(home.path().join(".strongroom"), "").unwrap();
    std::fs::write(home.path().join(".vault"), "token_helper = \"/x\"").unwrap();
    assert!(matches!(TokenStore::find(&files).unwrap(), TokenStore::File(_)));
    std::fs::remove_file(home.path().join(".strongroom")).unwrap();
    assert_eq!(TokenStore::find(&files).unwrap(), TokenStore::Helper("/x".into()));
    std::fs::write(home.path().join(".vault"), "token_helper = \"~/h\"").unwrap();
    assert_eq!(TokenStore::find(&files).unwrap(), TokenStore::Helper(home.path().join("h")));
}
