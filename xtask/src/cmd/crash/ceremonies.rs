//! Key ceremonies: rotation, replacement of the unseal key, root tokens for whoever has it. One worker does them, one after the
//! other. After the kill the key that was acknowledged last unseals.

use std::sync::PoisonError;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::Rng;
use serde_json::{Value, json};

use super::claim::{Claim, Resource, TokenState};
use super::load::{Step, Worker};
use super::thing::text;

pub fn ceremonies(w: &mut Worker<'_>) -> Step {
    match w.rng.random_range(0..4) {
        0 => w.root("POST", "sys/rotate", Some(&json!({}))).map(drop),
        1 => root_token(w),
        2 => replace(w, false),
        _ => replace(w, true),
    }
}

fn key(w: &Worker<'_>) -> String {
    w.cycle().unseal_key.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A new unseal key, in force with the answer, or with the answer to its being given back.
fn replace(w: &mut Worker<'_>, verify: bool) -> Step {
    let wish = json!({"secret_shares": 1, "secret_threshold": 1, "require_verification": verify});
    let nonce = text(&w.root("POST", "sys/rotate/root/init", Some(&wish))?["data"]["nonce"]);
    let given = json!({"nonce": nonce, "key": key(w)});
    let made = w.root("POST", "sys/rotate/root/update", Some(&given))?["data"].take();
    let new = text(&made["keys_base64"][0]);
    if verify {
        let back = json!({"nonce": made["verification_nonce"], "key": new});
        let verified = w.root("POST", "sys/rotate/root/verify", Some(&back))?;
        w.insist(verified["data"]["complete"] == Value::Bool(true), "a verification with enough keys is not complete")?;
    }
    w.insist(!new.is_empty(), "a replacement with enough keys gave none")?;
    *w.cycle().unseal_key.lock().unwrap_or_else(PoisonError::into_inner) = new;
    Ok(())
}

/// A root token, which is mostly revoked again.
fn root_token(w: &mut Worker<'_>) -> Step {
    let api = w.api();
    let started = w.root("POST", "sys/generate-root-token/attempt", Some(&json!({})))?["data"].take();
    w.done.unanswered_tokens += 1;
    let given = json!({"nonce": started["nonce"], "key": key(w)});
    let made = w.root("POST", "sys/generate-root-token/update", Some(&given))?["data"].take();
    let mixed = STANDARD_NO_PAD.decode(text(&made["encoded_token"])).unwrap_or_default();
    let token: String = mixed.iter().zip(text(&started["otp"]).bytes()).map(|(m, o)| char::from(m ^ o)).collect();
    let shown = w.ask(&api.with_token(&token), "GET", "auth/token/lookup-self", None, &[200])?.json()["data"].take();
    w.done.unanswered_tokens -= 1;
    w.done.resources.push(Resource::Token {
        id: token.clone(),
        accessor: text(&shown["accessor"]),
        parent: None,
        limited: false,
        claim: Claim::new(TokenState::Live { renewed: false }),
    });
    if w.rng.random_bool(0.8) {
        w.revoke("auth/token/revoke", json!({"token": token}), &[&token])?;
    }
    Ok(())
}
