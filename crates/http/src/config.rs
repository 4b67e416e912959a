//! What a caller may choose: listeners, TLS, trusted proxies and limits. Plain values with every default stated; reading
//! files and environment is the caller's. Configuration is never changed after `bind`, except certificates by `Tls::reload`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use strongroom_core::wire::Opens;
use strongroom_types::SecretBytes;

use crate::cidr::Cidr;

/// Everything that `bind` needs. The limits are shared by all listeners.
#[derive(Debug, Default)]
pub struct Config {
    /// Empty means: serve nothing, and `bind` refuses.
    pub listeners: Vec<Listener>,
    pub limits: Limits,
}

/// One door.
#[derive(Debug)]
pub struct Listener {
    pub address: Address,
    /// None: plain HTTP. Ignored on a unix socket, where the file's mode guards the door.
    pub tls: Option<TlsConfig>,
    pub forwarded: Forwarded,
    /// What it serves without a token.
    pub opens: Opens,
    pub serves: Serves,
}

/// What a listener is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Serves {
    #[default]
    Api,
    /// Nothing but `/metrics`, to everybody.
    Metrics,
}

impl Listener {
    /// A door without TLS that trusts no proxy.
    pub fn plain(address: Address) -> Self {
        Self { address, tls: None, forwarded: Forwarded::default(), opens: Opens::default(), serves: Serves::Api }
    }

    /// A TCP door with TLS that trusts no proxy.
    pub fn with_tls(address: SocketAddr, tls: TlsConfig) -> Self {
        Self { tls: Some(tls), ..Self::plain(Address::Tcp(address)) }
    }
}

/// Where a listener waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// Port 0 takes a free port; `Bound::addresses` says which.
    Tcp(SocketAddr),
    /// A socket file with its permission bits, such as 0o600. The file exists with these bits from its first moment on.
    Unix { path: PathBuf, mode: u32 },
}

/// The lowest protocol version a TLS listener takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TlsVersion {
    /// On request only, for old clients.
    V1_2,
    #[default]
    V1_3,
}

/// The server's certificate and what it asks of clients.
#[derive(Debug)]
pub struct TlsConfig {
    /// PEM, leaf first.
    pub chain_pem: Vec<u8>,
    /// PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key_pem: SecretBytes,
    /// Default: 1.3.
    pub version_min: TlsVersion,
    /// Ask clients for a certificate (they need not have one). Default: true. False hides the certificate login from browsers.
    pub client_certificates: bool,
}

impl TlsConfig {
    pub fn new(chain_pem: Vec<u8>, key_pem: SecretBytes) -> Self {
        Self { chain_pem, key_pem, version_min: TlsVersion::default(), client_certificates: true }
    }
}

/// Which proxies may name the client in X-Forwarded-For. PROXY protocol is not spoken. A peer on a unix socket is no
/// authorized proxy, whatever is listed.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// Proxies that are believed. Empty (the default): the header is not read at all.
    pub authorized: Vec<Cidr>,
    /// How many entries to skip, counted from the last. Default: 0.
    pub hop_skips: usize,
    /// Refuse requests without the header. Default: true.
    pub reject_not_present: bool,
    /// Refuse requests with the header from elsewhere; false takes them under their own address. Default: true.
    pub reject_not_authorized: bool,
}

impl Default for Forwarded {
    fn default() -> Self {
        Self { authorized: Vec::new(), hop_skips: 0, reject_not_present: true, reject_not_authorized: true }
    }
}

/// Bounds on what peers may cost. All are per server unless said otherwise.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the first byte of a request (or from the open connection) to the end of its headers. Default: 10 s.
    pub header_timeout: Duration,
    /// From the accepted connection to the end of the TLS handshake. Default: 10 s.
    pub handshake_timeout: Duration,
    /// Time for which a body may come as slowly as it likes. Default: 5 s.
    pub body_grace: Duration,
    /// After the grace a body must have brought this many bytes per second on average. Default: 1,000. Zero counts as one.
    pub body_bytes_per_s_min: u32,
    /// From the end of the headers to the answer. Default: 90 s. A handler that has begun goes on to its end all the same.
    pub request_timeout: Duration,
    /// How long a connection may be without a request. Default: 300 s, as clients of the reference expect.
    pub idle_timeout: Duration,
    /// How long a stop waits for requests that have begun. Default: 10 s.
    pub drain_timeout: Duration,
    /// Request line and headers of HTTP/1. Default: 64 KiB; less than 8 KiB counts as 8 KiB.
    pub header_bytes_max: usize,
    /// One body, also when it comes in chunks. Default: 32 MiB.
    pub body_bytes_max: usize,
    /// All bodies in memory together. Over it: 503. Default: 256 MiB.
    pub body_budget_bytes: usize,
    /// Open connections. Over it new ones wait in the kernel's queue. Default: 8,192; each listener needs one at least.
    pub connection_count_max: usize,
    pub http2: Http2Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            body_grace: Duration::from_secs(5),
            body_bytes_per_s_min: 1_000,
            request_timeout: Duration::from_secs(90),
            idle_timeout: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(10),
            header_bytes_max: 64 << 10,
            body_bytes_max: 32 << 20,
            body_budget_bytes: 256 << 20,
            connection_count_max: 8_192,
            http2: Http2Limits::default(),
        }
    }
}

/// Bounds on one HTTP/2 connection.
#[derive(Clone, Debug)]
pub struct Http2Limits {
    /// Requests at a time; handlers whose stream was reset still count. Default: 128.
    pub stream_count_max: u32,
    /// Headers of one request, decoded. Default: 32 KiB.
    pub header_list_bytes_max: u32,
    /// Streams a peer reset before we looked at them. Over it the connection ends. Default: 20.
    pub pending_reset_count_max: usize,
    /// Streams we reset for a peer's errors. Over it the connection ends. Default: 128.
    pub local_reset_count_max: usize,
    /// Bytes a peer may send ahead: per stream. Default: 256 KiB.
    pub stream_window_bytes: u32,
    /// The same for the whole connection. Default: 1 MiB.
    pub connection_window_bytes: u32,
    /// How often a quiet peer is asked whether it lives. Default: 60 s.
    pub ping_interval: Duration,
    /// How long it may take to say so. Default: 20 s.
    pub ping_timeout: Duration,
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            stream_count_max: 128,
            header_list_bytes_max: 32 << 10,
            pending_reset_count_max: 20,
            local_reset_count_max: 128,
            stream_window_bytes: 256 << 10,
            connection_window_bytes: 1 << 20,
            ping_interval: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(20),
        }
    }
}
