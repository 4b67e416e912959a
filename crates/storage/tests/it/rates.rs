//! How fast: prints, asserts only what must be true at any speed. Run by hand with `--run-ignored all --no-capture`.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use strongroom_storage::{Batch, Store};

use crate::embedded::open;

const WRITERS: u64 = 64;
const COMMITS_EACH: u64 = 500;

fn batch(n: u64) -> Batch {
    let put = |folder: &str| (Bytes::from(format!("mount/0123456789/{folder}/{n:012}")), Bytes::from(vec![n as u8; 250]));
    Batch { puts: vec![put("data"), put("meta"), put("index")], ..Batch::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn commits_gets_and_lists_per_second() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder));
    let begun = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..COMMITS_EACH {
                    store.commit(batch(n * WRITERS + writer)).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    println!("{:.0} commits/s of 3 puts", (WRITERS * COMMITS_EACH) as f64 / begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    for n in 0..20_000 {
        store.get(format!("mount/0123456789/data/{n:012}").as_bytes()).await.unwrap().unwrap();
    }
    println!("{:.1} us per get", begun.elapsed().as_secs_f64() * 1e6 / 20_000.0);
    for n in 0..700 {
        let puts = (0..100).map(|m| (Bytes::from(format!("flat/{n:05}{m:02}")), Bytes::from(vec![1; 250]))).collect();
        store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
    }
    for (prefix, expected) in [("flat/", 70_000), ("mount/0123456789/", 3)] {
        let begun = Instant::now();
        assert_eq!(store.list(prefix.as_bytes(), None, 1_000_000).await.unwrap().len(), expected);
        println!("{:.1} ms to list {expected} names", begun.elapsed().as_secs_f64() * 1e3);
    }
}
