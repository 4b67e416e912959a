//! The flat contract: `secrets/NAME` for small clients, with a flat object instead of the envelope. Each request becomes an
//! ordinary one on the key-value mount before the pipeline sees it, so policy, audit and versions are those of that mount.

mod answer;
mod request;

use std::sync::Arc;

use strongroom_types::Timestamp;

use crate::wire::{Answer, Request};
use crate::{Core, pipeline};

/// A mount with this path wins over the contract and switches it off.
const SHADOW: &str = "secrets/";
/// How long a client may keep a value when its entry says nothing.
const TTL_DEFAULT_S: u64 = 300;

/// What was asked, for the answer's form.
enum Asked {
    Read { field: String },
    Write { ttl_s: u64 },
    Delete,
}

/// Whether the path belongs to the contract, as far as its text says.
pub fn is_flat(request: &Request) -> bool {
    request.path.starts_with(SHADOW)
}

/// Answers one request of the contract; gives it back when a mount at `secrets/` or the configuration switches it off.
pub async fn handle(core: &Arc<Core>, request: Request) -> Result<Answer, Request> {
    let mount = core.settings.flat_mount.as_str();
    let shadowed = core.mounts.current().await.is_ok_and(|table| table.find(&request.path).is_some());
    if mount.is_empty() || shadowed {
        return Err(request);
    }
    Ok(match request::translate(request, mount) {
        Ok((request, asked)) => answer::flatten(pipeline::handle(core, request).await, &asked, core.clock.now()),
        Err(answer) => *answer,
    })
}

/// The earlier of both ends; a client keeps nothing longer than the entry lives.
fn expires_at(now: Timestamp, ttl_s: u64, deletion: Option<Timestamp>) -> String {
    let end = now.plus(strongroom_types::Ttl::from_s(ttl_s));
    deletion.map_or(end, |deletion| deletion.min(end)).rfc3339()
}
