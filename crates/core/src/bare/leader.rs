//! `sys/leader`: every node serves everything, so this one is always the active one.

use std::sync::Arc;

use serde_json::json;

use crate::Server;
use crate::wire::Answer;

pub fn answer(server: &Arc<Server>) -> Answer {
    if server.core().is_none() {
        return Answer::errors(503, &["Vault is sealed"]);
    }
    super::json(
        200,
        &json!({
            "ha_enabled": false,
            "is_self": true,
            "active_time": "0001-01-01T00:00:00Z",
            "leader_address": server.parts.settings.api_addr,
            "leader_cluster_address": "",
            "performance_standby": false,
        }),
    )
}
