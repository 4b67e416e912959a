//! Tokens: made, found, renewed and ended here and nowhere else. A revoked token is dead on this node before its
//! revocation is acknowledged, and its children with it.

mod batch;
mod below;
pub mod engine;
mod entry;
mod id;
mod issue;
mod live;
pub mod login;
mod revoke;
pub mod role;

pub use below::{Below, created_names, end_below};
pub use entry::{Grant, Life, TokenEntry, child_key, chosen_key, expiry_key, key, private, revoke_intent};
pub use id::{TokenKey, fresh_family, is_family};
pub use issue::{Limits, capped, issue, put_with_indexes};
pub use live::{LiveToken, Standing, Tokens, union};
pub use login::token_of;
pub use revoke::{
    decode, drop_again_in, drop_alone_in, drop_damaged_in, drop_in, drop_place_in, end_trees, finish_unfinished, is_ending,
    revoke, wipe,
};

/// What the barrier derives the key of all token MACs for.
pub const KEY_PURPOSE: &str = "token mac";
