//! Collects a request body within its bounds: size (declared or counted), speed, total time and the memory shared by all
//! connections. Memory is reserved before it is taken, by capacity and not by length, so the budget is what is really used.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::budget::{Budget, Reservation};
use crate::config::Limits;
use crate::refusal::Refusal;

/// First step of a buffer that grows. Small, so that many short chunked bodies stay cheap.
const STEP_BYTES_MIN: usize = 8 << 10;

/// The whole body, and what it holds of the budget for as long as it lives.
pub(crate) struct Collected {
    pub bytes: Bytes,
    pub reservation: Option<Reservation>,
}

/// Without the bytes: they can hold secrets.
impl std::fmt::Debug for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collected").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Reads all of the body. Errors: too large, too slow, too much in flight, or broken off.
pub(crate) async fn collect<B>(body: B, limits: &Limits, budget: &Arc<Budget>) -> Result<Collected, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Collected { bytes: Bytes::new(), reservation: None });
    }
    let declared = body.size_hint().exact();
    if declared.is_some_and(|bytes| bytes > u64::try_from(limits.body_bytes_max).unwrap_or(u64::MAX)) {
        return Err(Refusal::BodyTooLarge);
    }
    let declared = declared.and_then(|bytes| usize::try_from(bytes).ok());
    Collector { limits, declared, started: Instant::now(), reservation: budget.reservation() }.run(body).await
}

struct Collector<'a> {
    limits: &'a Limits,
    declared: Option<usize>,
    started: Instant,
    reservation: Reservation,
}

impl Collector<'_> {
    /// A body of one piece is passed on as it came, without a copy.
    async fn run<B: Body<Data = Bytes> + Unpin>(mut self, mut body: B) -> Result<Collected, Refusal> {
        let first = self.next(&mut body, 0).await?.unwrap_or_default();
        if first.len() > self.limits.body_bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        if !self.reservation.try_grow(first.len()) {
            return Err(Refusal::Overloaded);
        }
        let Some(second) = self.next_unless_ended(&mut body, first.len()).await? else {
            return Ok(self.finish(first));
        };
        let mut buffer = Vec::new();
        self.append(&mut buffer, &first)?;
        drop(first);
        self.append(&mut buffer, &second)?;
        drop(second);
        while let Some(piece) = self.next_unless_ended(&mut body, buffer.len()).await? {
            self.append(&mut buffer, &piece)?;
        }
        Ok(self.finish(buffer.into()))
    }

    fn finish(self, bytes: Bytes) -> Collected {
        Collected { bytes, reservation: Some(self.reservation) }
    }

    async fn next_unless_ended<B: Body<Data = Bytes> + Unpin>(
        &self,
        body: &mut B,
        received: usize,
    ) -> Result<Option<Bytes>, Refusal> {
        if body.is_end_stream() { Ok(None) } else { self.next(body, received).await }
    }

    /// The next piece with bytes in it. Trailers mean nothing here and are dropped.
    async fn next<B: Body<Data = Bytes> + Unpin>(&self, body: &mut B, received: usize) -> Result<Option<Bytes>, Refusal> {
        let deadline = self.deadline(received);
        loop {
            match timeout_at(deadline, body.frame()).await.map_err(|_| Refusal::BodyTooSlow)? {
                None => return Ok(None),
                Some(Err(_)) => return Err(Refusal::BodyBroken),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => return Ok(Some(piece)),
                    _ => {}
                },
            }
        }
    }

    /// When the next byte must be here: the grace, and a second for each `body_bytes_per_s_min` so far, within the request's time.
    fn deadline(&self, received: usize) -> Instant {
        let rate = f64::from(self.limits.body_bytes_per_s_min.max(1));
        let earned_s = f64::from(u32::try_from(received).unwrap_or(u32::MAX)) / rate;
        let allowed = self.limits.body_grace.saturating_add(Duration::from_secs_f64(earned_s));
        let allowed = allowed.min(self.limits.request_timeout);
        self.started.checked_add(allowed).unwrap_or(self.started)
    }

    fn append(&mut self, buffer: &mut Vec<u8>, piece: &[u8]) -> Result<(), Refusal> {
        let needed = buffer.len().saturating_add(piece.len());
        if needed > self.limits.body_bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        if needed > buffer.capacity() {
            self.grow(buffer, needed)?;
        }
        buffer.extend_from_slice(piece);
        Ok(())
    }

    /// Doubles, but not beyond what was declared or is allowed. SECURITY: a declared length alone reserves nothing.
    fn grow(&mut self, buffer: &mut Vec<u8>, needed: usize) -> Result<(), Refusal> {
        let most = self.declared.unwrap_or(self.limits.body_bytes_max);
        let wanted = needed.saturating_mul(2).max(STEP_BYTES_MIN).min(most).max(needed);
        if !self.reservation.try_grow(wanted.saturating_sub(buffer.capacity())) {
            return Err(Refusal::Overloaded);
        }
        buffer.try_reserve_exact(wanted.saturating_sub(buffer.len())).map_err(|_| Refusal::Overloaded)
    }
}

#[cfg(test)]
mod tests;
