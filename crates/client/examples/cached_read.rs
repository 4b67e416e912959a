//! What a read from the cache costs: `cargo run --profile ci -p strongroom-client --example cached_read`.
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::hint::black_box;
use std::time::Instant;

use strongroom_client::{CacheConfig, CacheError, MemoryBackend, Secret, SecretCache};

const READS: u32 = 5_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), CacheError> {
    let backend = MemoryBackend::default();
    backend.put("secret/app/db", Secret::from_fields([("password", "correct horse")]));
    let cache = SecretCache::new(backend, CacheConfig::default());
    cache.get("secret/app/db").await?;
    let begin = Instant::now();
    for _ in 0..READS {
        black_box(cache.get(black_box("secret/app/db")).await?);
    }
    println!("{:.0} ns a read", begin.elapsed().as_secs_f64() * 1e9 / f64::from(READS));
    Ok(())
}
