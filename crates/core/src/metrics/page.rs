//! The page: everybody's figures, at one moment, in one of two forms.

use std::collections::BTreeMap;

use strongroom_engine::EngineKind;
use strongroom_metrics::{Page, Snapshot, Unit};
use strongroom_types::Timestamp;

use super::mount::{EngineFigures, MountFigures, OPERATIONS};
use super::{Metrics, Refusal, lock};
use crate::{Core, Server, Telemetry};

/// Mounts that have figures of their own on the page, in the order of their paths.
const MOUNTS_MAX: usize = 200;

/// How the page is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Prometheus,
    Json,
}

impl Format {
    /// Content type of refusals.
    pub const TEXT: &'static str = "text/plain; charset=utf-8";

    /// Errors: a text for the caller. It names back only what is the name of a format somewhere.
    pub fn read(name: &str, telemetry: Telemetry) -> Result<Self, &'static str> {
        match name {
            "" | "json" => Ok(Self::Json),
            "prometheus" if telemetry.prometheus => Ok(Self::Prometheus),
            "prometheus" => Err("prometheus is not enabled"),
            "xml" => Err("metric response format \"xml\" unknown"),
            "openmetrics" => Err("metric response format \"openmetrics\" unknown"),
            _ => Err("metric response format unknown: it is \"prometheus\" or left out"),
        }
    }
}

impl Metrics {
    /// Content type and text of all figures. Holds no secret and no path of one.
    pub async fn written(&self, server: &Server, format: Format) -> (&'static str, String) {
        let (page, now) = (self.page(server).await, server.parts.clock.now());
        match format {
            Format::Prometheus => (Page::PROMETHEUS, page.prometheus()),
            Format::Json => {
                let uptime_s = now.seconds_since(self.started) as f64;
                (crate::wire::JSON, page.json(&reference_time(now), uptime_s).to_string())
            }
        }
    }

    async fn page(&self, server: &Server) -> Page {
        let mut page = Page::default();
        let core = server.core();
        self.state(&mut page, core.as_deref()).await;
        self.requests(&mut page);
        self.mounts(&mut page);
        page.sampled("vault.audit.log_request", "Records of requests, in ms.", &[], &self.audit_requests);
        page.sampled("vault.audit.log_response", "Records of answers, in ms.", &[], &self.audit_responses);
        let failures = [
            ("vault.audit.log_request_failure", "Records of requests that no device took.", &self.audit_request_failures),
            ("vault.audit.log_response_failure", "Records of answers that no device took.", &self.audit_response_failures),
        ];
        failures.iter().for_each(|(name, help, n)| page.counter(name, help, &[], n.value()));
        if let Some(usage) = &*lock(&self.usage) {
            usage.report(&mut page);
        }
        server.barrier.report(&mut page);
        lock(&self.sources).iter().for_each(|source| source.report(&mut page));
        page
    }

    async fn state(&self, page: &mut Page, core: Option<&Core>) {
        let cluster = core.map_or("", |core| core.identity.cluster_name.as_str());
        let labels = &[("cluster", cluster)];
        let is_open = if core.is_some() { 1.0 } else { 0.0 };
        page.gauge("vault.core.unsealed", "1 when unsealed.", labels, is_open);
        page.gauge("vault.core.active", "1 when requests are served.", labels, is_open);
        page.gauge(
            "strongroom.start_seconds",
            "When the server started, in seconds since 1970.",
            &[],
            self.started.unix_s() as f64,
        );
        let version = env!("CARGO_PKG_VERSION");
        page.gauge("strongroom.build_info", "The running build.", &[("version", version)], 1.0);
        let Some(core) = core else { return };
        page.counter("strongroom.audit.bytes_total", "Bytes of audit lines.", &[], core.audit.bytes());
        let is_short = if core.audit.is_short_of_space() { 1.0 } else { 0.0 };
        page.gauge("strongroom.audit.short_of_space", "1 while only root may do anything: the disk is full.", &[], is_short);
        core.quotas.report(page);
        self.leases(page, core);
        let flying = core.flights.all().len();
        page.gauge("vault.core.in_flight_requests", "Requests being worked on.", labels, flying as f64);
        let Ok(table) = core.mounts.current().await else { return };
        for (kind, name) in [(EngineKind::Secrets, "logical"), (EngineKind::Auth, "auth")] {
            for (is_local, local) in [(false, "false"), (true, "true")] {
                let n = table.sorted().iter().filter(|m| m.kind == kind && m.entry.local == is_local).count();
                let labels = &[("cluster", cluster), ("local", local), ("type", name)];
                page.gauge("vault.core.mount_table.num_entries", "Mounts.", labels, n as f64);
            }
        }
    }

    /// A token that will end counts as a lease, as with the reference.
    fn leases(&self, page: &mut Page, core: &Core) {
        let counts = core.leases.counts.now();
        let tokens = lock(&self.usage).as_ref().map_or(0, super::Usage::ending);
        let all = counts.leases.saturating_add(tokens);
        page.gauge("vault.expire.num_leases", "Tokens and leases that will expire.", &[], all as f64);
        let help = "Leases whose revocation failed for good.";
        page.gauge("vault.expire.num_irrevocable_leases", help, &[], counts.irrevocable as f64);
        page.counter("strongroom.leases.ended_total", "Leases that ended.", &[], counts.revoked_total);
        let help = "Tries to revoke a lease that failed.";
        page.counter("strongroom.leases.revocations_failed_total", help, &[], counts.revocations_failed_total);
    }

    fn requests(&self, page: &mut Page) {
        let by_engine: Vec<_> = lock(&self.by_engine).iter().map(|(name, figures)| (*name, figures.clone())).collect();
        let mut all = Snapshot::default();
        for (engine, figures) in &by_engine {
            engine_requests(page, engine, figures, &mut all);
        }
        engine_requests(page, "none", &self.unplaced, &mut all);
        let help = "Requests from admission to the record of the answer, in ms.";
        page.summary("vault.core.handle_request", help, &[], all, Unit::Ms);
        for (why, label) in Refusal::ALL {
            let n = self.refusals.get(*why as usize).map_or(0, strongroom_metrics::Counter::value);
            page.counter("strongroom.refusals_total", "Requests that were refused, by reason.", &[("reason", label)], n);
        }
    }

    fn mounts(&self, page: &mut Page) {
        let mut mounts: Vec<_> = lock(&self.by_mount).values().cloned().collect();
        mounts.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let left_out = mounts.len().saturating_sub(MOUNTS_MAX);
        page.gauge("strongroom.mounts_left_out", "Mounts without figures of their own on this page.", &[], left_out as f64);
        let mut routes = BTreeMap::new();
        for mount in mounts.iter().take(MOUNTS_MAX) {
            mount_requests(&mut routes, mount);
            mount_tokens(page, mount);
        }
        for (name, (count, sum_ns)) in routes {
            page.total(&name, "Requests of one mount, in ms.", &[], count, sum_ns);
        }
    }
}

fn engine_requests(page: &mut Page, engine: &str, figures: &EngineFigures, all: &mut Snapshot) {
    for (operation, times) in OPERATIONS.into_iter().zip(&figures.times_ns) {
        let times = times.snapshot();
        if times.count() > 0 {
            all.add(&times);
            let labels = &[("mount_type", engine), ("operation", operation.as_str())];
            page.histogram("strongroom.request_seconds", "Requests by type of mount and operation.", labels, times, Unit::S);
        }
    }
}

/// Names as the reference makes them: the mount's path is a part of the name. Paths that look the same there share it.
fn mount_requests(routes: &mut BTreeMap<String, (u64, u64)>, mount: &MountFigures) {
    let in_name: String = mount.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    for (operation, total) in mount.totals() {
        let sums = routes.entry(format!("vault.route.{}.{in_name}", operation.as_str())).or_default();
        *sums = (sums.0.saturating_add(total.count.value()), sums.1.saturating_add(total.sum_ns.value()));
    }
}

fn mount_tokens(page: &mut Page, mount: &MountFigures) {
    for (kind, lifetime, n) in mount.tokens() {
        let labels = &[
            ("auth_method", mount.engine),
            ("creation_ttl", lifetime),
            ("mount_point", mount.path.as_str()),
            ("namespace", "root"),
            ("token_type", kind),
        ];
        page.counter("vault.token.creation", "Tokens made.", labels, n);
    }
}

/// `2026-11-24 22:56:20 +0000 UTC`.
fn reference_time(now: Timestamp) -> String {
    let text = Timestamp::from_s(now.unix_s()).rfc3339();
    text.replace('T', " ").replace('Z', " +0000 UTC")
}

#[cfg(test)]
mod tests {
    use strongroom_types::Timestamp;

    #[test]
    fn times_are_printed_as_the_reference_does() {
        let time = Timestamp::parse_rfc3339("2026-11-24T22:56:20.5Z").unwrap();
        assert_eq!(super::reference_time(time), "2026-11-24 22:56:20 +0000 UTC");
    }
}
