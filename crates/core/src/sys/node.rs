//! What this node says about itself: its machine, its configuration, its version, the requests it works on.

use serde_json::{Map, Value, json};
use strongroom_engine::{Body, Ctx, Error, NoFields, Output, Result, Route, Verb, route};

use crate::SystemCall;
use crate::bare::{COMPATIBLE_VERSION, STRONGROOM_VERSION};
use crate::flights::Flight;
use crate::version::{self, History};
use crate::wire::Method;

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "host-info", "Shows processors, memory and disks of this machine.", host_info),
        route(Verb::Read, "ha-status", "Lists the nodes that this one knows: itself.", ha_status),
        route(Verb::Read, "in-flight-req", "Shows the requests that this node works on.", in_flight),
        route(Verb::Read, "config/state/sanitized", "Shows the configuration without secrets.", configuration),
        route(Verb::List, "version-history/", "Lists the versions that opened this store.", versions),
    ]
}

async fn host_info(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let process = SystemCall::of(ctx)?.core.process.clone();
    let machine = tokio::task::spawn_blocking(move || process.machine()).await;
    let mut machine = machine.map_err(|e| Error::Internal(format!("looking at the machine: {e}")))?;
    if let Some(fields) = machine.as_object_mut() {
        fields.insert("timestamp".into(), json!(ctx.now.rfc3339()));
    }
    Output::data(&machine)
}

/// Nodes that share a store do not know of each other, and each of them is active.
async fn ha_status(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let call = SystemCall::of(ctx)?;
    let own = json!({
        "hostname": call.core.process.hostname(),
        "api_address": call.core.settings.api_addr,
        "cluster_address": "",
        "active_node": true,
        "last_echo": null,
        "version": COMPATIBLE_VERSION,
        "strongroom_version": STRONGROOM_VERSION,
    });
    Ok(Output::data(&json!({ "nodes": [own] }))?.top_level())
}

/// An object by request id, without the usual envelope.
async fn in_flight(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let flights = SystemCall::of(ctx)?.core.flights.all();
    let shown: Map<String, Value> = flights.into_iter().map(|(id, flight)| (id, shown(&flight))).collect();
    let text = serde_json::to_vec(&shown).map_err(|e| Error::Internal(format!("encoding an answer: {e}")))?;
    Ok(Output { body: Body::Whole(text), ..Output::default() })
}

fn shown(flight: &Flight) -> Value {
    json!({
        "start_time": flight.started.rfc3339(),
        "client_remote_address": flight.address.map(|a| a.to_string()).unwrap_or_default(),
        "request_path": format!("/v1/{}", flight.path),
        "request_method": verb(flight.method),
    })
}

/// POST stands for PUT too.
fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Write => "POST",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::List => "LIST",
        Method::Scan => "SCAN",
        Method::Head => "HEAD",
        Method::Options => "OPTIONS",
        Method::Other => "OTHER",
    }
}

async fn configuration(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    Output::data(&SystemCall::of(ctx)?.core.process.configuration())
}

async fn versions(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let history: History = ctx.load(&version::key()).await?.unwrap_or_default();
    let mut previous: Option<String> = None;
    let (mut keys, mut info) = (Vec::new(), Map::new());
    for opened in history.0 {
        let shown = json!({ "previous_version": previous, "timestamp_installed": opened.first_opened.rfc3339() });
        info.insert(opened.version.clone(), shown);
        keys.push(opened.version.clone());
        previous = Some(opened.version);
    }
    Output::data(&json!({ "keys": keys, "key_info": info }))
}
