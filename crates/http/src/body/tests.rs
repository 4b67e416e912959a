use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::Full;

use super::collect;
use crate::budget::Budget;
use crate::config::Limits;
use crate::refusal::Refusal;

/// Pieces as they would come in chunks; after them the end, or silence.
struct Pieces {
    left: Vec<Bytes>,
    hangs: bool,
}

impl Pieces {
    fn new(count: usize, each: usize) -> Self {
        Self { left: vec![Bytes::from(vec![b'x'; each]); count], hangs: false }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.left.pop() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.hangs => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

fn limits(body_bytes_max: usize) -> Limits {
    Limits { body_bytes_max, body_grace: Duration::from_millis(20), body_bytes_per_s_min: 1_000_000, ..Limits::default() }
}

async fn check(body: Pieces, max: usize, budget: usize, expected: Result<usize, Refusal>) {
    let outcome = collect(body, &limits(max), &Budget::new(budget)).await;
    assert_eq!(outcome.map(|collected| collected.bytes.len()), expected);
}

#[tokio::test]
async fn pieces_become_one_body_up_to_the_limit() {
    check(Pieces::new(0, 0), 10, 10, Ok(0)).await;
    check(Pieces::new(1, 10), 10, 10, Ok(10)).await;
    check(Pieces::new(1, 11), 10, 100, Err(Refusal::BodyTooLarge)).await;
    check(Pieces::new(100, 1_000), 100_000, 1 << 20, Ok(100_000)).await;
    check(Pieces::new(101, 1_000), 100_000, 1 << 20, Err(Refusal::BodyTooLarge)).await;
}

#[tokio::test]
async fn a_body_that_does_not_fit_the_budget_is_refused_and_leaves_it_whole() {
    check(Pieces::new(1, 10), 100, 9, Err(Refusal::Overloaded)).await;
    let budget = Budget::new(50_000);
    assert_eq!(collect(Pieces::new(100, 1_000), &limits(1 << 20), &budget).await.unwrap_err(), Refusal::Overloaded);
    assert!(budget.reservation().try_grow(50_000));
}

#[tokio::test]
async fn the_budget_is_held_until_the_body_is_done_with() {
    let budget = Budget::new(100);
    let collected = collect(Pieces::new(1, 60), &limits(100), &budget).await.unwrap();
    assert!(!budget.reservation().try_grow(41));
    drop(collected);
    assert!(budget.reservation().try_grow(100));
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_refused_unread() {
    let body = Full::new(Bytes::from_static(b"12345678901"));
    assert_eq!(collect(body, &limits(10), &Budget::new(100)).await.unwrap_err(), Refusal::BodyTooLarge);
}

#[tokio::test]
async fn a_body_that_stops_is_too_slow() {
    let body = Pieces { hangs: true, ..Pieces::new(3, 5) };
    check(body, 100, 1 << 20, Err(Refusal::BodyTooSlow)).await;
}
