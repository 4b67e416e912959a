//! One request and its answer: address, path, body, handler, response, in this order, each with its refusal. Everything the
//! peer can make wait or grow is bounded before the handler runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http_body::Body as _;
use hyper::body::Incoming;
use strongroom_core::wire::{Answer, Handler, Method, Peer, Request, Upload};
use tokio::time::{Instant, timeout_at};

use crate::activity::{Activity, Working};
use crate::answer::{Delivery, response};
use crate::body::{Collected, collect};
use crate::budget::{Budget, Reservation};
use crate::config::{Limits, Serves};
use crate::counters::Counters;
use crate::outgoing::Outgoing;
use crate::refusal::Refusal;
use crate::socket::Rules;
use crate::unbroken::{Unbroken, caught};
use crate::upload::{Incremental, UPLOAD_TIMEOUT};
use crate::{forwarded, request};

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared<H> {
    pub handler: Arc<H>,
    pub limits: Limits,
    pub budget: Arc<Budget>,
    pub counters: Arc<Counters>,
}

/// One connection, as its requests see it.
#[derive(Debug)]
pub(crate) struct Line<H> {
    pub shared: Arc<Shared<H>>,
    pub activity: Arc<Activity>,
    pub peer: Peer,
    pub rules: Arc<Rules>,
}

fn after(started: Instant, patience: Duration) -> Instant {
    started.checked_add(patience).unwrap_or(started)
}

/// What a request holds until its handler has ended, even when its client has gone.
struct Held {
    _working: Working,
    _reservation: Option<Reservation>,
}

/// Answers one request. Never fails: refusals are answers.
pub(crate) async fn serve<H: Handler>(
    line: Arc<Line<H>>,
    incoming: http::Request<Incoming>,
) -> Result<http::Response<Outgoing>, Infallible> {
    let http2 = incoming.version() == Version::HTTP_2;
    let working = line.activity.begin(http2);
    let head_only = incoming.method() == http::Method::HEAD;
    let (answer, unread) = match line.answer(incoming, working).await {
        Ok(told) => told,
        Err(Refused { refusal, unread }) => {
            line.shared.counters.add_refused();
            let mut answer = refusal.answer();
            if refusal == Refusal::NoPage {
                answer.extra = line.shared.handler.page_headers().await;
            }
            (answer, unread)
        }
    };
    let close = unread && !http2;
    if close {
        line.activity.linger(Instant::now());
    }
    Ok(response(answer, Delivery { head_only, close }, || line.activity.begin(http2)))
}

/// A refusal before the handler, and whether some of the body is still to come.
struct Refused {
    refusal: Refusal,
    unread: bool,
}

impl<H: Handler> Line<H> {
    async fn answer(self: &Arc<Self>, incoming: http::Request<Incoming>, working: Working) -> Result<(Answer, bool), Refused> {
        let started = Instant::now();
        let (parts, body) = incoming.into_parts();
        let unread = !body.is_end_stream();
        let refused = |refusal| Refused { refusal, unread };
        let peer = self.admit(&parts).map_err(refused)?;
        if self.rules.serves == Serves::Metrics {
            return self.metrics(&parts).await.map(|answer| (answer, false)).map_err(refused);
        }
        let outside = || if request::is_page(&parts) { Refusal::NoPage } else { Refusal::OutsideApi };
        let path = request::api_path(&parts).ok_or_else(|| refused(outside()))?.to_owned();
        let (limits, method) = (&self.shared.limits, request::method(&parts));
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let mut request = Request {
            method,
            path,
            query,
            headers: request::headers(parts.headers),
            body: Bytes::new(),
            peer,
            upload: Upload::default(),
        };
        let timed = |working: Working| working.timed(started, Arc::clone(&self.shared.counters));
        if self.shared.handler.takes_upload(method, &request.path) {
            let (pieces, ended) = Incremental::new(body, limits.request_timeout);
            request.upload = Upload::new(pieces);
            let held = Held { _working: timed(working), _reservation: None };
            let answer = self.handle(request, held, after(started, UPLOAD_TIMEOUT)).await.unwrap_or_else(Refusal::answer);
            return Ok((answer, !ended.load(Ordering::Acquire)));
        }
        let Collected { bytes, reservation } = collect(body, limits, &self.shared.budget).await.map_err(refused)?;
        request.body = bytes;
        let held = Held { _working: timed(working), _reservation: reservation };
        let answer = self.handle(request, held, after(started, limits.request_timeout)).await;
        Ok((answer.unwrap_or_else(Refusal::answer), false))
    }

    /// On a listener for figures alone. A body that came along is not read.
    async fn metrics(&self, parts: &http::request::Parts) -> Result<Answer, Refusal> {
        match request::method(parts) {
            Method::Get | Method::Head if parts.uri.path() == "/metrics" => Ok(self.shared.handler.metrics().await),
            _ => Err(Refusal::OutsideApi),
        }
    }

    /// Who asks, and whether this connection may have one more request at work. SECURITY: streams that were reset still count,
    /// since their handlers go on; otherwise a flood of resets would start handlers without a bound.
    fn admit(&self, parts: &http::request::Parts) -> Result<Peer, Refusal> {
        if self.activity.working() > self.shared.limits.http2.stream_count_max.max(1) {
            return Err(Refusal::Overloaded);
        }
        let address = forwarded::client(&self.rules.forwarded, &parts.headers, self.peer.address)?;
        Ok(Peer { address, ..self.peer.clone() })
    }

    async fn handle(self: &Arc<Self>, request: Request, held: Held, deadline: Instant) -> Result<Answer, Refusal> {
        let line = Arc::clone(self);
        let run = Unbroken::new(async move {
            let outcome = caught(async { line.shared.handler.handle(request).await }).await;
            drop(held);
            outcome.map_err(|_| line.panicked())
        });
        timeout_at(deadline, run).await.unwrap_or_else(|_| {
            self.shared.counters.add_timed_out();
            Err(Refusal::TimedOut)
        })
    }

    fn panicked(&self) -> Refusal {
        self.shared.counters.add_panic();
        tracing::error!("a request handler panicked; its request was answered 500");
        Refusal::Panicked
    }
}
