//! Flipped bits: each is found, costs one record only, is kept for a look, and is healed by the next put.

use bytes::Bytes;
use rand::{Rng, SeedableRng, rngs::StdRng};
use rusqlite::{Connection, params};
use strongroom_storage::{Batch, EmbeddedStore, Error, Store};
use tempfile::TempDir;

use crate::embedded::{open, put};

const KEYS: usize = 1000;
const FLIPS_PER_ROUND: usize = 500;
const ROUNDS: usize = 20;

fn key(n: usize) -> Bytes {
    Bytes::from(format!("folder/{n:04}"))
}

async fn write(store: &EmbeddedStore, keys: &[usize], rng: &mut StdRng) {
    for chunk in keys.chunks(100) {
        let puts = chunk.iter().map(|n| (key(*n), Bytes::from(rng.random::<[u8; 40]>().to_vec()))).collect();
        store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
    }
}

fn beside(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("strongroom.db")).unwrap()
}

/// Flips one random bit in value, checksum or revision of each key.
fn flip(db: &Connection, keys: &[usize], rng: &mut StdRng) {
    let tx = db.unchecked_transaction().unwrap();
    for n in keys {
        let key = key(*n);
        match rng.random_range(0..3) {
            0 => {
                let select = "SELECT value FROM record WHERE key = ?1";
                let mut value: Vec<u8> = tx.query_row(select, [key.as_ref()], |row| row.get(0)).unwrap();
                let bit = rng.random_range(0..value.len() * 8);
                value[bit / 8] ^= 1 << (bit % 8);
                tx.prepare_cached("UPDATE record SET value = ?2 WHERE key = ?1").unwrap().execute(params![key.as_ref(), value])
            }
            column => {
                let column = ["rev", "crc"][column - 1];
                let select = format!("SELECT {column} FROM record WHERE key = ?1");
                let number: i64 = tx.query_row(&select, [key.as_ref()], |row| row.get(0)).unwrap();
                let number = number ^ (1 << rng.random_range(0..64));
                let update = format!("UPDATE record SET {column} = ?2 WHERE key = ?1");
                tx.prepare_cached(&update).unwrap().execute(params![key.as_ref(), number])
            }
        }
        .unwrap();
    }
    tx.commit().unwrap();
}

#[tokio::test]
async fn ten_thousand_flipped_bits_are_each_found_and_cost_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let db = beside(&folder);
    let mut rng = StdRng::seed_from_u64(1);
    let all: Vec<usize> = (0..KEYS).collect();
    write(&store, &all, &mut rng).await;
    for _ in 0..ROUNDS {
        let hit = rand::seq::index::sample(&mut rng, KEYS, FLIPS_PER_ROUND).into_vec();
        flip(&db, &hit, &mut rng);
        let mut is_hit = vec![false; KEYS];
        hit.iter().for_each(|n| is_hit[*n] = true);
        for (n, is_hit) in is_hit.iter().enumerate() {
            match store.get(&key(n)).await {
                Ok(Some(_)) => assert!(!is_hit, "flip not found in {n}"),
                Err(Error::Corrupt { key: named, .. }) => assert!(*is_hit && named == key(n)),
                other => panic!("{other:?}"),
            }
        }
        let scanned: Vec<_> = store.scan(b"", None, KEYS).await.unwrap().into_iter().map(|(key, _)| key).collect();
        assert!(scanned.iter().eq((0..KEYS).filter(|n| !is_hit[*n]).map(key).collect::<Vec<_>>().iter()));
        assert_eq!(store.list(b"folder/", None, KEYS).await.unwrap().len(), KEYS, "names are still told");
        write(&store, &hit, &mut rng).await;
        assert_eq!(store.scan(b"", None, KEYS).await.unwrap().len(), KEYS, "a put heals");
    }
    let kept: i64 = db.query_row("SELECT count(*) FROM quarantine", [], |row| row.get(0)).unwrap();
    assert_eq!(kept as usize, ROUNDS * FLIPS_PER_ROUND, "every damaged record is kept as it was");
}

#[tokio::test]
async fn a_damaged_record_is_listed_kept_and_goes_on_failing_until_it_is_healed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.commit(put("a", "intact")).await.unwrap();
    store.commit(put("b", "other")).await.unwrap();
    assert!(store.quarantined().is_empty());
    let db = beside(&folder);
    db.execute("UPDATE record SET value = x'beef' WHERE key = CAST('a' AS BLOB)", []).unwrap();
    for _ in 0..3 {
        assert!(matches!(store.get(b"a").await, Err(Error::Corrupt { .. })), "never shown, never taken for missing");
    }
    store.commit(put("c", "a later commit, after the writer kept the raw record")).await.unwrap();
    let listed = store.quarantined();
    assert_eq!(listed, [(Bytes::from_static(b"a"), "its checksum does not match".to_owned())]);
    let kept: Vec<u8> = db.query_row("SELECT value FROM quarantine", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, [0xbe, 0xef], "once, as it was");
    store.commit(put("a", "healed")).await.unwrap();
    assert_eq!(store.get(b"a").await.unwrap().unwrap().value, "healed");
    db.execute("UPDATE record SET value = 'text' WHERE key = CAST('b' AS BLOB)", []).unwrap();
    assert!(matches!(store.get(b"b").await, Err(Error::Corrupt { .. })), "a value of another type");
    assert_eq!(store.quarantined().len(), 2);
}

#[tokio::test]
async fn a_damaged_page_is_the_operators_matter_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..50 {
        let puts = (0..20).map(|m| (key(n * 20 + m), Bytes::from(vec![n as u8; 200]))).collect();
        store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
    }
    drop(store);
    let path = folder.path().join("strongroom.db");
    let mut file = std::fs::read(&path).unwrap();
    let leaf = file.windows(200).position(|bytes| bytes == [25; 200]).unwrap() / 4096;
    file[leaf * 4096..leaf * 4096 + 100].fill(0xff);
    std::fs::write(&path, file).unwrap();
    let store = open(&folder);
    assert!(matches!(store.get(&key(25 * 20 + 5)).await, Err(Error::Operator(text)) if text.contains("damaged")));
    assert_eq!(store.get(&key(1)).await.unwrap().unwrap().value, vec![0; 200]);
    store.commit(put("folder/0001", "still writable")).await.unwrap();
}
