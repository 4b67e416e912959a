//! Listeners, TLS and the translation between HTTP and `strongroom_core::wire`. Bounds the size, the time and the number
//! of everything a peer can send, and decides nothing else: no token is judged and no path is decoded here. Never logs
//! headers, queries or bodies. Why bare hyper: docs/decisions/0004-bare-hyper.md.

mod activity;
mod answer;
mod body;
mod budget;
mod cidr;
mod config;
mod connection;
mod counters;
mod exchange;
mod forwarded;
mod outgoing;
mod refusal;
mod request;
mod server;
mod socket;
mod stops;
mod stream;
mod tls;
mod unbroken;
mod upload;

pub use cidr::{Cidr, CidrError};
pub use config::{Address, Config, Forwarded, Http2Limits, Limits, Listener, Serves, TlsConfig, TlsVersion};
pub use counters::Counters;
pub use server::{BindError, Bound, Stopped, bind};
pub use socket::SocketError;
pub use tls::{Tls, TlsError};
