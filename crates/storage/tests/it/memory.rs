//! The store in memory, alone and shared.

use std::sync::Arc;

use strongroom_storage::{MemoryStore, SharedMemory, Store, conformance};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alone_it_keeps_the_promises_of_a_store() {
    conformance::suite(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_handle_keeps_the_promises_of_a_store() {
    conformance::suite(async || Arc::new(SharedMemory::new().handle()) as Arc<dyn Store>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_keep_the_promises_of_a_shared_store() {
    conformance::shared_suite(async || {
        let shared = SharedMemory::new();
        [Arc::new(shared.handle()) as Arc<dyn Store>, Arc::new(shared.handle())]
    })
    .await;
}

#[test]
fn only_a_store_of_its_own_is_sole_writer() {
    assert!(MemoryStore::new().is_sole_writer());
    assert!(!SharedMemory::new().handle().is_sole_writer());
}
