//! The command line against a real server: each file of `crates/cli/golden/sessions` is a session of commands with what they
//! print. `STRONGROOM_BLESS=1 cargo test -p strongroom --test it cli::` writes the files anew from what is printed now.

mod covered;
mod filter;
mod session;

use std::path::{Path, PathBuf};

use session::Session;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/golden/sessions")
}

/// One session after the other: a failure names its file.
#[tokio::test]
async fn every_session_prints_what_is_written() {
    let is_blessing = std::env::var_os("STRONGROOM_BLESS").is_some();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut differing = Vec::new();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let printed = Session::start(&written).await.run(&written).await;
        if written == printed {
            continue;
        }
        if is_blessing {
            std::fs::write(&file, printed).unwrap();
        } else {
            differing.push(first_difference(&file, &written, &printed));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn first_difference(file: &Path, written: &str, printed: &str) -> String {
    let mut lines = written.lines().zip(printed.lines()).enumerate();
    let name = file.file_name().unwrap().to_string_lossy();
    match lines.find(|(_, (one, other))| one != other) {
        Some((at, (one, other))) => format!("{name}:{}: written {one:?}, printed {other:?}", at + 1),
        None => format!("{name}: written {} lines, printed {}", written.lines().count(), printed.lines().count()),
    }
}
