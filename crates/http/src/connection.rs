//! One connection from handshake to end. Nothing that happens here reaches the listener: every failure ends this connection
//! alone. Ends when its watch says so, when the peer leaves, or when the server stops.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use strongroom_core::wire::{Handler, Peer};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::activity::Activity;
use crate::config::Limits;
use crate::counters::Counters;
use crate::exchange::{Line, Shared, serve};
use crate::socket::{Raw, Rules};
use crate::stops::Stop;
use crate::stream::{Stream, Watched};

/// How long an idle connection that was asked to end politely may take.
const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// hyper's own lower bound.
const HTTP1_BUFFER_BYTES_MIN: usize = 8 << 10;

/// A connection just accepted.
pub(crate) struct Accepted {
    pub raw: Raw,
    pub address: Option<SocketAddr>,
    pub slot: OwnedSemaphorePermit,
    pub stop: Stop,
}

/// Which protocol is spoken: TLS has agreed on one, without TLS the first bytes tell.
#[derive(Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
    Either,
}

/// Counts a connection for as long as its task lives.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: Arc<Counters>) -> Self {
        counters.add_opened();
        Self(counters)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.add_ended();
    }
}

/// Serves the connection to its end.
pub(crate) async fn run<H: Handler>(shared: Arc<Shared<H>>, rules: Arc<Rules>, accepted: Accepted) {
    let Accepted { raw, address, slot, mut stop } = accepted;
    let _open = Open::new(Arc::clone(&shared.counters));
    let opened = tokio::select! {
        opened = open(&shared, &rules, raw) => opened,
        () = &mut stop => None,
    };
    let Some((stream, protocol)) = opened else { return };
    let certificates = presented(&stream);
    let activity = Activity::new(slot);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
    let peer = Peer { address, certificates, opens: rules.opens };
    let line = Arc::new(Line { shared, activity, peer, rules });
    converse(line, io, protocol, stop).await;
}

async fn open<H>(shared: &Shared<H>, rules: &Rules, raw: Raw) -> Option<(Stream, Protocol)> {
    let tcp = match raw {
        Raw::Unix(stream) => return Some((Stream::Unix(stream), Protocol::Either)),
        Raw::Tcp(stream) => stream,
    };
    // Answers are small and leave in one write; waiting for more would only delay them.
    tcp.set_nodelay(true).ok()?;
    let Some(tls) = &rules.tls else { return Some((Stream::Tcp(tcp), Protocol::Either)) };
    let handshake = timeout(shared.limits.handshake_timeout, TlsAcceptor::from(tls.server_config()).accept(tcp));
    match handshake.await {
        Ok(Ok(stream)) => Some(agreed(stream)),
        _ => {
            shared.counters.add_handshake_failed();
            tracing::debug!("a TLS handshake failed");
            None
        }
    }
}

fn agreed(stream: TlsStream<TcpStream>) -> (Stream, Protocol) {
    let protocol = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
    (Stream::Tls(Box::new(stream)), protocol)
}

fn presented(stream: &Stream) -> Arc<[Vec<u8>]> {
    let Stream::Tls(stream) = stream else { return Arc::default() };
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    certificates.iter().map(|certificate| certificate.to_vec()).collect()
}

/// What a connection's task is woken for.
enum Event {
    Ended,
    Stopped,
    Overdue,
}

async fn converse<H: Handler>(line: Arc<Line<H>>, io: TokioIo<Watched>, protocol: Protocol, mut stop: Stop) {
    let limits = &line.shared.limits;
    let builder = builder(limits, protocol);
    let service = service_fn(|request| serve(Arc::clone(&line), request));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut watch = Watch::new(limits);
    let mut closing = false;
    loop {
        let event = std::future::poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Ended);
            }
            if !closing && Pin::new(&mut stop).poll(cx).is_ready() {
                return Poll::Ready(Event::Stopped);
            }
            watch.poll(cx, &line.activity, limits).map(|()| Event::Overdue)
        });
        let patience = match event.await {
            Event::Stopped => limits.drain_timeout,
            Event::Overdue if !closing && line.activity.is_idle() => CLOSE_GRACE,
            Event::Ended | Event::Overdue => return,
        };
        closing = true;
        watch.cut_after(patience);
        connection.as_mut().graceful_shutdown();
    }
}

/// The one timer of a connection. Moved only when it fires or must fire earlier, so a busy connection never touches it.
struct Watch {
    timer: Pin<Box<Sleep>>,
    cut: Option<Instant>,
}

impl Watch {
    fn new(limits: &Limits) -> Self {
        Self { timer: Box::pin(sleep_until(after(limits.header_timeout))), cut: None }
    }

    fn cut_after(&mut self, patience: Duration) {
        self.cut = Some(after(patience));
    }

    fn poll(&mut self, cx: &mut Context<'_>, activity: &Activity, limits: &Limits) -> Poll<()> {
        loop {
            let due = self.cut.or_else(|| activity.due(limits));
            if due.is_some_and(|due| due < self.timer.deadline()) {
                self.timer.as_mut().reset(due.unwrap_or_else(Instant::now));
            }
            ready!(self.timer.as_mut().poll(cx));
            match due {
                Some(due) if due <= self.timer.deadline() => return Poll::Ready(()),
                Some(due) => self.timer.as_mut().reset(due),
                // At work: look again when that may have ended and the connection been idle since.
                None => self.timer.as_mut().reset(after(limits.header_timeout)),
            }
        }
    }
}

fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or(now)
}

fn builder(limits: &Limits, protocol: Protocol) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None) // `Activity` keeps this time
        .max_buf_size(limits.header_bytes_max.max(HTTP1_BUFFER_BYTES_MIN));
    let http2 = &limits.http2;
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(http2.stream_count_max)
        .max_header_list_size(http2.header_list_bytes_max)
        .max_pending_accept_reset_streams(http2.pending_reset_count_max)
        .max_local_error_reset_streams(http2.local_reset_count_max)
        .initial_stream_window_size(http2.stream_window_bytes)
        .initial_connection_window_size(http2.connection_window_bytes)
        .keep_alive_interval(http2.ping_interval)
        .keep_alive_timeout(http2.ping_timeout);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
        Protocol::Either => builder,
    }
}
