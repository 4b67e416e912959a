//! A second process, and one that is killed: this test binary run again, writing in its working directory.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use strongroom_storage::{EmbeddedStore, Error, Store, embedded::Config};
use tempfile::TempDir;

use crate::embedded::{open, put};

/// Told by the writing process in front of each number that was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged ";
const WRITES_BEFORE_KILL: usize = 150;
const KILLS: usize = 3;

/// Not a test of its own: what the other process does. Ends at once where there is no folder to write in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests of this file"]
async fn writes_until_killed() {
    let Ok(store) = EmbeddedStore::open(Config::new(".")) else { return };
    for n in store.head().await.unwrap().0.. {
        let (also, commit) = (store.commit(put(&format!("also/{n}"), "v")), store.commit(put(&format!("n/{n}"), "v")));
        also.await.unwrap();
        commit.await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{ACKNOWLEDGED}{n}").unwrap();
        out.flush().unwrap();
    }
}

fn another_process(folder: &TempDir) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writes_until_killed", "--ignored", "--nocapture"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged_and_frees_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<u64> = Vec::new();
    for _ in 0..KILLS {
        let mut process = another_process(&folder);
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut numbers = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix(ACKNOWLEDGED)?.parse::<u64>().ok());
        acknowledged.extend(numbers.by_ref().take(WRITES_BEFORE_KILL));
        let Err(Error::Operator(text)) = EmbeddedStore::open(Config::new(folder.path())) else { panic!("opened twice") };
        assert!(text.contains(&format!("in use by another server (process {})", process.id())), "{text}");
        process.kill().unwrap();
        process.wait().unwrap();
        let store = open(&folder);
        for n in &acknowledged {
            assert!(store.get(format!("n/{n}").as_bytes()).await.unwrap().is_some(), "{n} was acknowledged");
            assert!(store.get(format!("also/{n}").as_bytes()).await.unwrap().is_some(), "{n} was acknowledged");
        }
    }
    assert_eq!(acknowledged.len(), KILLS * WRITES_BEFORE_KILL);
}
