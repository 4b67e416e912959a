//! Lines over a socket, to a collector elsewhere. A thread of its own connects, again and again while the peer is gone, and
//! writes what is queued; requests only ever queue. A line is sent once this machine's kernel has taken it for the peer: what
//! the kernel loses with a connection is missing at the peer, who sees it by the numbers and by the signed checkpoints.

mod link;
mod queue;
#[cfg(test)]
mod tests;
mod worker;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use strongroom_types::{Rng, SecretBytes, Timestamp};
use tokio::sync::oneshot;

use self::queue::{Queue, QueueOut};
use super::lines::{LinesDevice, Parts};
use super::{Device, DeviceId, Ticket};
use crate::{AuditError, HashKey, Head, Limits};

/// What carries the lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    Tcp,
    /// One datagram a line, without newline.
    Udp,
    /// A stream.
    Unix,
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Unix].into_iter().find(|t| t.name() == name)
    }
}

/// Where the lines go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub transport: Transport,
    /// `HOST:PORT`, or the path of a socket. Names are looked up at each attempt to connect.
    pub address: String,
}

impl Target {
    /// Errors: what the address must be.
    pub fn new(transport: Transport, address: &str) -> Result<Self, &'static str> {
        let is_good = match transport {
            Transport::Unix => PathBuf::from(address).is_absolute(),
            Transport::Tcp | Transport::Udp => {
                address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
            }
        };
        match (is_good, transport) {
            (true, _) => Ok(Self { transport, address: address.to_owned() }),
            (false, Transport::Unix) => Err("must be the absolute path of a socket"),
            (false, _) => Err("must be HOST:PORT"),
        }
    }
}

/// What a socket device is made of.
pub struct SocketConfig {
    pub target: Target,
    /// Longest wait for a connection and for the peer to take a line.
    pub write_timeout: Duration,
    /// As in `FileConfig`.
    pub hash_key: SecretBytes,
    /// As in `FileConfig`.
    pub log_key: SecretBytes,
    /// Counts for its buffer and its epochs.
    pub limits: Limits,
    pub store_head: Arc<dyn Fn() -> u64 + Send + Sync>,
    pub rng: Arc<dyn Rng>,
}

/// As with `LinesDevice`, each run begins at number 0 with a `restart` line of its own.
pub struct SocketDevice {
    lines: LinesDevice,
    queue: Arc<Queue>,
    write_timeout: Duration,
}

impl SocketDevice {
    /// Starts the thread; the peer need not be there. Errors: `BadKey`, `Io` when no thread can be started.
    pub fn open(config: SocketConfig, now: Timestamp) -> Result<Self, AuditError> {
        let SocketConfig { target, write_timeout, hash_key, log_key, limits, store_head, rng } = config;
        let queue = Arc::new(Queue::new(limits.buffer_bytes_max, target.transport));
        let parts = Parts { hash_key, log_key, limits, store_head, rng };
        let lines = LinesDevice::open_onto(Box::new(QueueOut(queue.clone())), parts, now)?;
        worker::start(target, write_timeout, queue.clone())?;
        Ok(Self { lines, queue, write_timeout })
    }
}

/// Resolves when the kernel has taken the line, or when it is known that the peer is not there.
pub struct Sent(oneshot::Receiver<Result<(), AuditError>>);

impl Future for Sent {
    type Output = Result<(), AuditError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|told| told.unwrap_or(Err(AuditError::Closed)))
    }
}

impl Device for SocketDevice {
    fn id(&self) -> DeviceId {
        self.lines.id()
    }

    fn kind(&self) -> &'static str {
        "socket"
    }

    fn hash_key(&self) -> &HashKey {
        self.lines.hash_key()
    }

    fn is_local(&self) -> bool {
        false
    }

    fn append(&self, rest: &[u8]) -> Result<Ticket, AuditError> {
        self.lines.append(rest)
    }

    fn tick(&self, now: Timestamp) -> Result<(), AuditError> {
        self.lines.tick(now)
    }

    fn needs_tick(&self, now: Timestamp) -> bool {
        self.lines.needs_tick(now)
    }

    fn rotate(&self, _: Timestamp) -> Result<(), AuditError> {
        Ok(())
    }

    fn close(&self, now: Timestamp) -> Result<(), AuditError> {
        let closed = self.lines.close(now);
        let drained = self.queue.drain(self.write_timeout);
        closed.and(drained)
    }

    fn head(&self) -> Option<Head> {
        None
    }
}

impl Drop for SocketDevice {
    fn drop(&mut self) {
        self.queue.close();
    }
}
