use std::path::Path;

use super::checks::{self, State};
use crate::config::Config;

fn config(folder: &Path, text: &str) -> Config {
    let file = folder.join("c.hcl");
    std::fs::write(&file, text).unwrap();
    Config::read(&[file]).unwrap()
}

#[test]
fn a_new_folder_is_good_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let config = config(folder.path(), &format!("storage \"embedded\" {{ path = \"{}\" }}", data.display()));
    assert_eq!(checks::storage(&config).state, State::Good);
    assert!(!data.exists());
    std::fs::create_dir(&data).unwrap();
    assert_eq!(checks::storage(&config).state, State::Good);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}

#[test]
fn a_folder_with_somebody_elses_data_fails() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("vault.db"), "x").unwrap();
    let config = config(folder.path(), &format!("storage \"embedded\" {{ path = \"{}\" }}", data.display()));
    assert_eq!(checks::storage(&config).state, State::Failed);
}

#[test]
fn an_address_in_use_fails_and_a_free_one_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let text = format!("listener \"tcp\" {{\n address = \"{address}\"\n tls_disable = true\n}}");
    let config = config(folder.path(), &text);
    assert_eq!(checks::listeners(&config).unwrap().state, State::Failed);
    drop(held);
    assert_eq!(checks::listeners(&config).unwrap().state, State::Good);
    assert!(std::net::TcpListener::bind(address).is_ok());
}

#[test]
fn an_audit_file_that_cannot_be_written_fails() {
    let folder = tempfile::tempdir().unwrap();
    let text = |path: &str| format!("audit \"file\" \"a\" {{ options = {{ file_path = \"{path}\" }} }}");
    let good = config(folder.path(), &text(&folder.path().join("log/audit.log").display().to_string()));
    assert_eq!(checks::audit(&good).state, State::Good);
    let bad = config(folder.path(), &text("/proc/nowhere/audit.log"));
    assert_eq!(checks::audit(&bad).state, State::Failed);
    assert_eq!(checks::audit(&Config::default()).state, State::Good);
}
