//! Operations that are cut off at their first, second, third, ... write, until one is not: the process is gone, and another one
//! goes on with what the store holds. What was acknowledged holds, and what was not is there as a whole or not at all.

mod identity;
mod mounts;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_core::wire::Headers;
use strongroom_storage::faulty::{Call, Fault};
use strongroom_storage::{FaultyStore, MemoryStore};
use strongroom_testkit::{Options, Reply, TestServer};

/// How an operation is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cut {
    /// This write is not done, and the process is gone.
    Before,
    /// This write is done, and the process is gone before it knows.
    After,
    /// This write fails, and the process lives on for as long as the operation takes.
    Refused,
    /// This write is done and seems to fail.
    Doubtful,
}

const CUTS: [Cut; 4] = [Cut::Before, Cut::After, Cut::Refused, Cut::Doubtful];
/// Writes that no operation exceeds.
const WRITES_MAX: u64 = 400;

struct House {
    server: TestServer,
    memory: Arc<MemoryStore>,
    store: Arc<FaultyStore>,
}

impl House {
    async fn new() -> Self {
        let memory = Arc::new(MemoryStore::new());
        let store = Arc::new(FaultyStore::new(memory.clone()));
        let server = TestServer::start(Options { store: Some(store.clone()), ..Options::default() }).await;
        Self { server, memory, store }
    }

    async fn root(&self, what: &str, body: Value) -> Reply {
        self.server.call(what, "root", body).await
    }

    /// A request that must succeed: preparations and looks.
    async fn must(&self, what: &str, body: Value) -> Reply {
        let reply = self.root(what, body).await;
        assert!(matches!(reply.status, 200 | 204), "{what}: {reply:?}");
        reply
    }

    async fn wrapped(&self, body: Value) -> String {
        let headers = Headers { wrap_ttl: Some("1h".into()), ..Headers::default() };
        self.server.with_headers("POST sys/wrapping/wrap", "root", &body.to_string(), headers).await.text("/wrap_info/token")
    }

    fn cut_at(&self, n: u64, cut: Cut) {
        let fault = if matches!(cut, Cut::After | Cut::Doubtful) { Fault::ApplyThenFail } else { Fault::Refuse };
        self.store.fail_nth(Call::Commit, n, fault);
        if matches!(cut, Cut::Before | Cut::After) {
            (n + 1..n + WRITES_MAX).for_each(|later| self.store.fail_nth(Call::Commit, later, Fault::Refuse));
        }
    }

    /// A new process on what the store holds. The old one can do no more.
    async fn restart(self) -> Self {
        self.store.set_outage(true);
        let store = Arc::new(FaultyStore::new(self.memory.clone()));
        let (server, clock) = TestServer::make(Options { store: Some(store.clone()), ..Options::default() });
        let server = TestServer { server, clock, unseal_key: self.server.unseal_key };
        let unsealed = server.call("POST sys/unseal", "", json!({ "key": server.unseal_key })).await;
        assert_eq!(unsealed.at("/sealed"), json!(false), "{unsealed:?}");
        Self { server, memory: self.memory, store }
    }
}

/// One kind of operation.
trait Operation {
    /// What stands before it.
    type Before;
    /// What its client was told.
    type Told;

    async fn prepare(&self, house: &House) -> Self::Before;
    async fn run(&self, house: &House, before: &Self::Before) -> Self::Told;
    /// In a new process; `what` tells where it was cut off.
    async fn check(&self, house: &House, before: Self::Before, told: Self::Told, what: &str);
}

/// Cuts it off at every write. It must make at least `writes_min`, or it is not what it was meant to be.
async fn sweep(operation: impl Operation, writes_min: u64) {
    for cut in CUTS {
        for n in 1.. {
            let house = House::new().await;
            let before = operation.prepare(&house).await;
            house.cut_at(n, cut);
            let told = operation.run(&house, &before).await;
            let was_cut = house.store.failed_total() > 0;
            let house = house.restart().await;
            operation.check(&house, before, told, &format!("{cut:?} write {n}")).await;
            if !was_cut {
                assert!(n > writes_min, "it makes {} writes", n - 1);
                break;
            }
        }
    }
}

/// What the background work of a fresh process brings about.
async fn soon(what: &str, mut is_there: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is_there().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} does not come about");
}
