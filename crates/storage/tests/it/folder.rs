//! The data folder: private, locked, and never taken from somebody else.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rusqlite::Connection;
use strongroom_storage::{EmbeddedStore, Error, Store, embedded::Config};

use crate::embedded::{open, put};

fn refusal(folder: &Path) -> String {
    match EmbeddedStore::open(Config::new(folder)) {
        Ok(_) => panic!("opened {}", folder.display()),
        Err(Error::Operator(text)) => text,
        Err(other) => panic!("{other}"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn cve_2021_38553_only_the_owner_can_look_inside() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/data");
    let store = EmbeddedStore::open(Config::new(&folder)).unwrap();
    store.commit(put("a", "1")).await.unwrap();
    assert_eq!(mode(&folder), 0o700);
    for file in ["strongroom.db", "strongroom.db-wal", "strongroom.db-shm", "lock"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_folder_in_use_is_refused_until_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let text = refusal(folder.path());
    assert!(text.contains("in use") && text.contains(&format!("process {}", std::process::id())), "{text}");
    store.close();
    assert!(refusal(folder.path()).contains("in use"), "reading goes on after close");
    drop(store);
    open(&folder);
}

#[test]
fn somebody_elses_data_is_refused_and_left_alone() {
    for (file, whose) in [("vault.db", "raft"), ("raft/raft.db", "raft"), ("core/_master", "core"), ("strongroom.db-wal", "wal")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "theirs").unwrap();
        let text = refusal(folder.path());
        assert!(text.contains("not Strongroom's") && text.contains(whose), "{file}: {text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{file}: something was written");
    }
}

#[test]
fn a_fresh_volume_and_a_folder_with_other_files_beside_a_store_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    drop(open(&folder));
    fs::write(folder.path().join("audit.log"), "beside").unwrap();
    drop(open(&folder));
}

#[test]
fn a_database_that_is_not_a_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(refusal(folder.path()).contains("not a Strongroom store"));
    fs::write(&path, "no database at all, but long enough to be taken for a header of one").unwrap();
    assert!(refusal(folder.path()).contains("damaged"));
}

#[test]
fn a_symbolic_link_is_not_followed_to_a_database() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(open(&elsewhere));
    let target = elsewhere.path().join("strongroom.db");
    std::os::unix::fs::symlink(&target, folder.path().join("strongroom.db")).unwrap();
    refusal(folder.path());
}

#[tokio::test]
async fn a_newer_format_is_refused_untouched_by_a_text_that_names_both() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).commit(put("a", "1")).await.unwrap();
    let path = folder.path().join("strongroom.db");
    let mut crc = crc32fast::Hasher::new();
    crc.update(&7u64.to_le_bytes());
    crc.update(b"format");
    let db = Connection::open(&path).unwrap();
    db.execute("UPDATE number SET value = 7, crc = ?1 WHERE name = 'format'", [i64::from(crc.finalize())]).unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let text = refusal(folder.path());
    assert!(text.contains("format 7") && text.contains("up to 1"), "{text}");
    assert!(before == fs::read(&path).unwrap());
}

#[tokio::test]
async fn a_damaged_head_is_never_guessed() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).commit(put("a", "1")).await.unwrap();
    let db = Connection::open(folder.path().join("strongroom.db")).unwrap();
    db.execute("UPDATE number SET value = value | 64 WHERE name = 'head'", []).unwrap();
    drop(db);
    assert!(refusal(folder.path()).contains("`head` number is damaged"));
}
