//! Records what rate limits refused: one record a second for each source, however many requests there were.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use strongroom_audit::{AuditError, Kind, Record, RequestFacts};
use strongroom_engine::Result;
use strongroom_types::uuid_v4;

use crate::Core;
use crate::quota::{Refused, Source};

pub async fn run(core: &Arc<Core>) -> Result<()> {
    record(core).await;
    Ok(())
}

/// What no device takes is kept for the next time.
pub async fn record(core: &Core) {
    for (source, refused) in core.quotas.take_shed() {
        if let Err(e) = record_one(core, source, &refused).await {
            tracing::error!("refusals could not be audited: {e}");
            core.quotas.put_back(source, refused);
        }
    }
}

async fn record_one(core: &Core, source: Source, refused: &Refused) -> std::result::Result<(), AuditError> {
    let (remote, whose) = match source {
        Source::Address(ip) => (Some(SocketAddr::new(ip, 0)), ""),
        Source::Socket => (None, " of a socket"),
        Source::Others => (Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)), " of further addresses"),
    };
    let Refused { count, rule } = refused;
    let text = format!("rate limit quota exceeded: {count} requests{whose} refused, the last by the quota {rule:?}");
    let id = uuid_v4(core.rng.as_ref());
    let request = RequestFacts { id: &id, remote, ..RequestFacts::default() };
    let time = core.clock.now();
    core.audit
        .record(&Record { kind: Kind::Response, time, auth: None, request: &request, response: None, error: Some(&text) })
        .await
}
