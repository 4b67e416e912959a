//! `sys/health`: for load balancers. The status says it all; callers may choose their own.

use std::sync::Arc;

use serde_json::json;
use strongroom_barrier::State;

use super::{COMPATIBLE_VERSION, STRONGROOM_VERSION, failure, json};
use crate::Server;
use crate::wire::Answer;

pub async fn answer(server: &Arc<Server>, query: &str) -> Answer {
    let state = match server.barrier.state().await {
        Ok(state) => state,
        Err(e) => return failure(&e.into()),
    };
    let core = server.core();
    let (code_name, usual) = match (&state, &core) {
        (State::Uninitialised, _) => ("uninitcode", 501),
        (_, None) => ("sealedcode", 503),
        (_, Some(_)) => ("activecode", 200),
    };
    let Ok(status) = code(query, code_name, usual) else { return Answer::errors(400, &[]) };
    let replication = if core.is_some() { "disabled" } else { "unknown" };
    let mut body = json!({
        "initialized": state != State::Uninitialised,
        "sealed": core.is_none(),
        "standby": core.is_none(),
        "performance_standby": false,
        "replication_performance_mode": replication,
        "replication_dr_mode": replication,
        "server_time_utc": server.parts.clock.now().unix_s(),
        "version": COMPATIBLE_VERSION,
        "strongroom_version": STRONGROOM_VERSION,
    });
    if let (Some(core), Some(body)) = (core, body.as_object_mut()) {
        body.insert("cluster_name".into(), json!(core.identity.cluster_name));
        body.insert("cluster_id".into(), json!(core.identity.cluster_id));
    }
    json(status, &body)
}

/// The status that the query asks for under this name. Every code in the query must be a status.
fn code(query: &str, name: &str, usual: u16) -> Result<u16, ()> {
    let mut status = usual;
    for (key, value) in query.split('&').filter_map(|p| p.split_once('=')).filter(|(key, _)| key.ends_with("code")) {
        let given = value.parse::<u16>().ok().filter(|n| (200..=599).contains(n)).ok_or(())?;
        if key == name {
            status = given;
        }
    }
    Ok(status)
}
