//! `listener` stanzas: where the server waits, with which certificate, and which proxies it believes. A setting that would
//! weaken a door without saying so is refused.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use strongroom_core::wire::Opens;
use strongroom_http::{Cidr, Forwarded, TlsVersion};

use super::mistake::Result;
use super::section::{Section, Unknown};

pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8200);
/// Of a socket file: the owner alone.
const DEFAULT_SOCKET_MODE: u32 = 0o600;
const SOCKET_MODE_MAX: u64 = 0o777;

const KEYS: &[&str] = &[
    "address",
    "cluster_address",
    "custom_response_headers",
    "disable_unauthed_generate_root_endpoints",
    "disable_unauthed_rekey_endpoints",
    "http_idle_timeout",
    "http_read_header_timeout",
    "http_read_timeout",
    "http_write_timeout",
    "inflight_requests_logging",
    "max_request_duration",
    "max_request_json_memory",
    "max_request_json_strings",
    "max_request_size",
    "profiling",
    "proxy_protocol_authorized_addrs",
    "proxy_protocol_behavior",
    "socket_group",
    "socket_mode",
    "socket_user",
    "telemetry",
    "tls_acme_ca_directory",
    "tls_acme_cache_path",
    "tls_acme_ca_root",
    "tls_acme_disable_alpn_challenge",
    "tls_acme_disable_http_challenge",
    "tls_acme_domains",
    "tls_acme_eab_key_id",
    "tls_acme_eab_mac_key",
    "tls_acme_email",
    "tls_acme_test_ca_directory",
    "tls_cert_file",
    "tls_cipher_suites",
    "tls_client_ca_file",
    "tls_disable",
    "tls_disable_client_certs",
    "tls_key_file",
    "tls_max_version",
    "tls_min_version",
    "tls_prefer_server_cipher_suites",
    "tls_require_and_verify_client_cert",
    "x_forwarded_for_authorized_addrs",
    "x_forwarded_for_hop_skips",
    "x_forwarded_for_reject_not_authorized",
    "x_forwarded_for_reject_not_present",
];

/// Known, but without effect here: told, because a reader of the file would expect one.
const WITHOUT_EFFECT: &[&str] = &["custom_response_headers", "tls_cipher_suites", "http_write_timeout"];

/// One `listener` stanza, all values settled.
#[derive(Clone, Debug)]
pub struct Listener {
    pub address: Address,
    /// None: plain HTTP.
    pub tls: Option<Tls>,
    pub forwarded: Forwarded,
    /// Key operations that it serves without a token. Default: none.
    pub opens: Opens,
    pub limits: Limits,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// Default: 127.0.0.1:8200.
    Tcp(SocketAddr),
    /// Default mode: 0600.
    Unix { path: PathBuf, mode: u32 },
}

/// The certificate, read at start and again on SIGHUP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tls {
    /// PEM, leaf first.
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
    /// Default: 1.3.
    pub version_min: TlsVersion,
    /// Ask clients for a certificate; they need not have one. Default: true.
    pub client_certificates: bool,
}

/// Limits that differ from the server's defaults. None: the default of `strongroom_http::Limits`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    pub body_bytes_max: Option<usize>,
    pub request_timeout: Option<Duration>,
    pub header_timeout: Option<Duration>,
    pub idle_timeout: Option<Duration>,
}

/// Reads the stanzas of one file.
pub fn read(file: &Section<'_>, warnings: &mut Vec<String>) -> Result<Vec<Listener>> {
    file.stanzas("listener", 1, KEYS)?.iter().map(|stanza| one(stanza, warnings)).collect()
}

fn one(stanza: &Section<'_>, warnings: &mut Vec<String>) -> Result<Listener> {
    stanza.check_keys(KEYS, Unknown::RefuseNearMiss, warnings)?;
    refuse_unsupported(stanza)?;
    warnings
        .extend(WITHOUT_EFFECT.iter().filter(|key| stanza.has(key)).map(|key| stanza.note(key, "has no effect in this build")));
    let (address, tls) = match stanza.labels.as_slice() {
        ["tcp"] => (tcp_address(stanza)?, tls(stanza)?),
        ["unix"] => (unix_address(stanza)?, None),
        _ => return Err(stanza.refuse_all("the listener's type must be \"tcp\" or \"unix\"")),
    };
    Ok(Listener { address, tls, forwarded: forwarded(stanza)?, opens: opens(stanza, warnings)?, limits: limits(stanza)? })
}

const TELEMETRY_KEYS: &[&str] = &["unauthenticated_metrics_access", "disallow_metrics"];

fn open_metrics(stanza: &Section<'_>, warnings: &mut Vec<String>) -> Result<bool> {
    let mut is_open = false;
    for telemetry in stanza.stanzas("telemetry", 0, TELEMETRY_KEYS)? {
        telemetry.check_keys(TELEMETRY_KEYS, Unknown::RefuseNearMiss, warnings)?;
        if telemetry.flag("disallow_metrics")? == Some(true) {
            return Err(
                telemetry.refuse("disallow_metrics", "not supported by this build: policies say who may read sys/metrics")
            );
        }
        is_open = telemetry.flag("unauthenticated_metrics_access")?.unwrap_or(is_open);
    }
    Ok(is_open)
}

/// SECURITY: what an operator relies on and we don't do must stop the start.
fn refuse_unsupported(stanza: &Section<'_>) -> Result<()> {
    if stanza.flag("tls_require_and_verify_client_cert")? == Some(true) {
        let rule = "not supported: client certificates are accepted and never required; the certificate login judges them";
        return Err(stanza.refuse("tls_require_and_verify_client_cert", rule));
    }
    if stanza.text("proxy_protocol_behavior")?.is_some() {
        return Err(stanza.refuse("proxy_protocol_behavior", "not supported by this build; x_forwarded_for_authorized_addrs is"));
    }
    match stanza.keys().find(|key| matches!(*key, "socket_user" | "socket_group")) {
        Some(key) => Err(stanza.refuse(key, "not supported by this build: the socket belongs to the server's user")),
        None => Ok(()),
    }
}

fn tcp_address(stanza: &Section<'_>) -> Result<Address> {
    let Some(text) = stanza.text("address")? else { return Ok(Address::Tcp(DEFAULT_ADDRESS)) };
    let address = parse_address(text)
        .ok_or_else(|| stanza.refuse("address", "must be an IP address and a port, such as \"127.0.0.1:8200\""))?;
    Ok(Address::Tcp(address))
}

/// `IP:PORT`, `localhost:PORT` or `:PORT` for every IPv4 address. Names are not looked up: an answer could change between starts.
pub fn parse_address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.rsplit_once(':')?;
    match host {
        "" => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port.parse().ok()?)),
        "localhost" => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?)),
        _ => text.parse().ok(),
    }
}

fn unix_address(stanza: &Section<'_>) -> Result<Address> {
    let path = stanza.text("address")?.ok_or_else(|| stanza.refuse("address", "is required: the path of the socket"))?;
    let mode = match stanza.text("socket_mode")? {
        None => DEFAULT_SOCKET_MODE,
        Some(text) => {
            octal(text).ok_or_else(|| stanza.refuse("socket_mode", "must be an octal mode in quotes, such as \"0660\""))?
        }
    };
    Ok(Address::Unix { path: path.into(), mode })
}

fn octal(text: &str) -> Option<u32> {
    let mode = u64::from_str_radix(text, 8).ok().filter(|mode| *mode <= SOCKET_MODE_MAX)?;
    u32::try_from(mode).ok()
}

fn tls(stanza: &Section<'_>) -> Result<Option<Tls>> {
    if stanza.flag("tls_disable")? == Some(true) {
        return Ok(None);
    }
    if stanza.text("tls_max_version")?.is_some_and(|version| version != "tls13") {
        return Err(stanza.refuse("tls_max_version", "must be \"tls13\": TLS 1.3 can't be switched off"));
    }
    let version_min = match stanza.text("tls_min_version")? {
        None | Some("tls13") => TlsVersion::V1_3,
        Some("tls12") => TlsVersion::V1_2,
        Some(_) => return Err(stanza.refuse("tls_min_version", "must be \"tls12\" or \"tls13\"")),
    };
    let file =
        |key| stanza.text(key)?.map(PathBuf::from).ok_or_else(|| stanza.refuse(key, "is required unless tls_disable is true"));
    let client_certificates = stanza.flag("tls_disable_client_certs")? != Some(true);
    Ok(Some(Tls { cert_file: file("tls_cert_file")?, key_file: file("tls_key_file")?, version_min, client_certificates }))
}

fn forwarded(stanza: &Section<'_>) -> Result<Forwarded> {
    let default = Forwarded::default();
    let key = "x_forwarded_for_authorized_addrs";
    let ranges: std::result::Result<Vec<Cidr>, _> = stanza.texts(key)?.into_iter().map(str::parse).collect();
    let authorized = ranges.map_err(|_| stanza.refuse(key, "must be addresses or ranges such as \"10.0.0.0/8\""))?;
    let hops = stanza.count("x_forwarded_for_hop_skips")?.unwrap_or_default();
    Ok(Forwarded {
        authorized,
        hop_skips: usize::try_from(hops).unwrap_or(usize::MAX),
        reject_not_present: stanza.flag("x_forwarded_for_reject_not_present")?.unwrap_or(default.reject_not_present),
        reject_not_authorized: stanza.flag("x_forwarded_for_reject_not_authorized")?.unwrap_or(default.reject_not_authorized),
    })
}

/// Double negatives, as the reference has them: only an outspoken `false` opens.
fn opens(stanza: &Section<'_>, warnings: &mut Vec<String>) -> Result<Opens> {
    Ok(Opens {
        rekey: stanza.flag("disable_unauthed_rekey_endpoints")? == Some(false),
        generate_root: stanza.flag("disable_unauthed_generate_root_endpoints")? == Some(false),
        metrics: open_metrics(stanza, warnings)?,
    })
}

fn limits(stanza: &Section<'_>) -> Result<Limits> {
    let bytes = stanza.count("max_request_size")?.filter(|bytes| *bytes > 0);
    Ok(Limits {
        body_bytes_max: bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        request_timeout: stanza.duration("max_request_duration")?,
        header_timeout: stanza.duration("http_read_header_timeout")?,
        idle_timeout: stanza.duration("http_idle_timeout")?,
    })
}
