//! The first lines of a server: what it was told to do. No secrets, and nothing of the environment.

use std::fmt::Write as _;

use strongroom_http::{Address as Bind, TlsVersion};

use super::plan::Plan;
use crate::commands::version;
use crate::config::{Listener, Storage};

/// One line per fact, in fixed order.
pub fn text(plan: &Plan, addresses: &[Bind]) -> String {
    let mut rows = vec![("API address".to_owned(), plan.api_addr())];
    let listeners = plan.config.listeners.iter().zip(addresses).enumerate();
    rows.extend(
        listeners.map(|(index, (listener, address))| (format!("Listener {}", index.saturating_add(1)), shown(listener, address))),
    );
    rows.push(("Storage".to_owned(), storage(&plan.storage)));
    rows.push(("Audit".to_owned(), audit(plan)));
    rows.push(("Log level".to_owned(), plan.log_level.name().to_owned()));
    rows.push(("Version".to_owned(), version::LINE.to_owned()));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = "==> Strongroom server configuration:\n\n".to_owned();
    for (name, value) in rows {
        // Writing to a String can't fail.
        let _ = writeln!(text, "    {name:>width$}: {value}");
    }
    text.push_str("\n==> Strongroom server is listening; its log follows\n\n");
    text
}

fn shown(listener: &Listener, address: &Bind) -> String {
    match (address, &listener.tls) {
        (Bind::Tcp(address), None) => format!("tcp {address}, TLS off"),
        (Bind::Tcp(address), Some(tls)) => {
            let versions = if tls.version_min == TlsVersion::V1_2 { "TLS 1.2 and 1.3" } else { "TLS 1.3" };
            format!("tcp {address}, {versions}, certificate {}", tls.cert_file.display())
        }
        (Bind::Unix { path, mode }, _) => format!("unix {}, mode {mode:04o}", path.display()),
    }
}

fn storage(storage: &Storage) -> String {
    match storage {
        Storage::Memory => "in memory: everything is gone when the server stops".to_owned(),
        Storage::Embedded { path, .. } => format!("embedded, {}", path.display()),
    }
}

fn audit(plan: &Plan) -> String {
    let devices = plan.audit_devices();
    let shown: Vec<String> = devices.iter().map(|device| format!("{} {}", device.name, device.kind.place())).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
