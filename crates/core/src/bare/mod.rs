//! Endpoints outside the pipeline: they must answer while sealed, need no token, and have no envelope. The list is closed.

mod described;
mod health;
mod init;
mod leader;
pub mod metrics;
mod seal_status;

use std::sync::Arc;

pub use described::described;
use serde_json::Value;

use crate::Server;
use crate::wire::{Answer, Method, Request};

/// What clients compare with the versions of the API that they know (docs/decisions/0005-version-string.md).
pub const COMPATIBLE_VERSION: &str = "1.20.0";
/// Our own version.
pub const STRONGROOM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The answer when the path is one of these; None for all others.
pub async fn answer(server: &Arc<Server>, request: &Request) -> Option<Answer> {
    let is_write = request.method == Method::Write;
    let is_read = request.method == Method::Get;
    Some(match request.path.as_str() {
        "sys/health" if is_read || request.method == Method::Head => health::answer(server, &request.query).await,
        "sys/seal-status" if is_read => seal_status::answer(server).await,
        "sys/leader" if is_read => leader::answer(server),
        "sys/metrics" if is_read && request.peer.opens.metrics => metrics::answer(server, &request.query).await,
        "sys/init" if is_read => init::read(server).await,
        "sys/init" if is_write => init::write(server, request).await,
        "sys/unseal" if is_write => seal_status::unseal(server, request).await,
        "sys/health" | "sys/seal-status" | "sys/leader" | "sys/init" | "sys/unseal" => Answer::errors(405, &[]),
        // Sealing is judged and recorded like any change; only other verbs stop here.
        "sys/seal" if !is_write => Answer::errors(405, &[]),
        _ => return None,
    })
}

fn json(status: u16, value: &Value) -> Answer {
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    Answer::json(status, body)
}

fn failure(error: &strongroom_engine::Error) -> Answer {
    if error.status() >= 500 {
        tracing::error!("bare endpoint: {error}");
    }
    Answer::errors(error.status(), error.public_text().as_deref().as_slice())
}
