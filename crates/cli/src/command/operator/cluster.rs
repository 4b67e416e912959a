//! `operator members` and `operator step-down`: the nodes that serve together.

use strongroom_client::Method;

use serde_json::{Map, Value, json};

use crate::connection::Session;
use crate::output::value::plain;
use crate::output::{Failure, Format, Printed, table};

const COLUMNS: [(&str, &str); 6] = [
    ("Host Name", "hostname"),
    ("API Address", "api_address"),
    ("Cluster Address", "cluster_address"),
    ("Active Node", "active_node"),
    ("Version", "version"),
    ("Last Echo", "last_echo"),
];

pub(super) async fn members(session: &Session<'_>) -> Result<Printed, Failure> {
    let failed = |error| Failure::of(&error, "getting the members");
    let answer = session.client.request::<()>(Method::Get, "sys/ha-status", None).await.map_err(failed)?;
    let data: Map<String, Value> = answer.data().map_err(failed)?;
    let nodes = data.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
    if session.format != Format::Table {
        return Printed::structured(&json!({ "Nodes": nodes }), session.format);
    }
    let cell = |node: &Value, key: &str| node.get(key).filter(|value| !value.is_null()).map(plain).unwrap_or_default();
    let rows: Vec<Vec<String>> = nodes.iter().map(|node| COLUMNS.iter().map(|(_, key)| cell(node, key)).collect()).collect();
    Ok(Printed::text(table::columns(&COLUMNS.map(|(title, _)| title), &rows)))
}

pub(super) async fn step_down(session: &Session<'_>) -> Result<Printed, Failure> {
    let sent = session.client.request::<()>(Method::Put, "sys/step-down", None).await;
    match sent {
        Ok(_) => Ok(Printed::line("Success! Stepped down")),
        Err(error) if error.status() == Some(404) || error.status() == Some(405) => {
            Err(Failure::of(&error, "stepping down").hinted("this server runs alone: there is no other node to take over"))
        }
        Err(error) => Err(Failure::of(&error, "stepping down")),
    }
}
