//! Mounts that are disabled and moved: whole, or not at all.

use serde_json::json;

use super::{House, Operation, soon, sweep};

/// More than the wiping of a mount deletes in one batch.
const ENTRIES: usize = 120;

async fn mount(house: &House) {
    house.must("POST sys/mounts/kv", json!({ "type": "kv" })).await;
    for n in 0..ENTRIES {
        house.must(&format!("POST kv/{n}"), json!({ "n": n })).await;
    }
}

/// Entries that are readable below a path.
async fn readable(house: &House, path: &str) -> usize {
    let mut count = 0;
    for n in 0..ENTRIES {
        let read = house.root(&format!("GET {path}/{n}"), json!(null)).await;
        count += usize::from(read.status == 200 && read.at("/data/n") == json!(n));
    }
    count
}

async fn stored(house: &House) -> usize {
    strongroom_storage::Store::scan(&*house.memory, b"d/", None, 1_000).await.unwrap().len()
}

struct Disable;

impl Operation for Disable {
    type Before = usize;
    type Told = bool;

    /// What the store holds without the mount.
    async fn prepare(&self, house: &House) -> usize {
        let before = stored(house).await;
        mount(house).await;
        before
    }

    async fn run(&self, house: &House, _: &usize) -> bool {
        let is_acknowledged = house.root("DELETE sys/mounts/kv", json!(null)).await.status == 204;
        // The wiping goes on in the background: it is cut off too.
        for _ in 0..150 {
            if house.store.failed_total() > 0 || stored(house).await == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        is_acknowledged
    }

    async fn check(&self, house: &House, before: usize, is_acknowledged: bool, what: &str) {
        let count = readable(house, "kv").await;
        assert!(count == 0 || (count == ENTRIES && !is_acknowledged), "{what}: {count} entries are readable");
        if count == 0 {
            soon(&format!("{what}: the end of the data"), async || stored(house).await <= before).await;
            soon("the end of the intent", async || {
                strongroom_storage::Store::scan(&*house.memory, b"i/wipe/", None, 9).await.unwrap().is_empty()
            })
            .await;
            house.must("POST sys/mounts/kv", json!({ "type": "kv" })).await;
            assert_eq!(readable(house, "kv").await, 0, "{what}: a new mount at the same path is empty");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_mount_is_whole_or_gone_with_its_data_at_whichever_write_the_server_dies() {
    sweep(Disable, 3).await;
}

struct Remount;

impl Operation for Remount {
    type Before = ();
    type Told = bool;

    async fn prepare(&self, house: &House) {
        mount(house).await;
    }

    async fn run(&self, house: &House, (): &()) -> bool {
        house.root("POST sys/remount", json!({ "from": "kv", "to": "moved/kv" })).await.status == 200
    }

    async fn check(&self, house: &House, (): (), is_acknowledged: bool, what: &str) {
        let counts = (readable(house, "kv").await, readable(house, "moved/kv").await);
        assert!(counts == (0, ENTRIES) || (counts == (ENTRIES, 0) && !is_acknowledged), "{what}: {counts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_a_mount_is_at_one_of_its_paths_at_whichever_write_the_server_dies() {
    sweep(Remount, 0).await;
}
