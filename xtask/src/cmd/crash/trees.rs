//! Trees of tokens that are revoked somewhere.

use rand::Rng;
use serde_json::json;

use super::load::{Step, Worker, new_token};

/// A chain with a fan at its end: more than one batch of a revocation.
const CHAIN: usize = 6;
const FAN: usize = 24;

/// The tree, and its revocation from the top or from further down, by the token or its accessor.
pub fn trees(w: &mut Worker<'_>) -> Step {
    let mut api = w.api();
    let mut chain: Vec<String> = Vec::new();
    for _ in 0..CHAIN {
        let token = new_token(w, &api, chain.last().map(String::as_str), 0)?;
        api = api.with_token(&token);
        chain.push(token);
    }
    let last = chain[CHAIN - 1].clone();
    let mut fan = Vec::new();
    for _ in 0..w.rng.random_range(0..=FAN) {
        fan.push(new_token(w, &api, Some(&last), 0)?);
    }
    if !w.rng.random_bool(0.8) {
        return Ok(());
    }
    let from = w.rng.random_range(0..CHAIN);
    let meant: Vec<&str> = chain[from..].iter().chain(&fan).map(String::as_str).collect();
    if w.rng.random_bool(0.5) {
        w.revoke("auth/token/revoke", json!({"token": chain[from]}), &meant)
    } else {
        let accessor = w.accessor_of(&chain[from]);
        w.revoke("auth/token/revoke-accessor", json!({"accessor": accessor}), &meant)
    }
}
