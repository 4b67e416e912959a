//! A handler that has begun goes on to its end, whatever happens to its client. Dropping it half-way (hyper does so when a
//! client hangs up or resets its stream) could leave a credential without its lease, or an effect without its audit record.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs in the task that polls it; if dropped before its end, the rest runs in a task of its own.
pub(crate) struct Unbroken<T: Send + 'static> {
    rest: Option<Boxed<T>>,
}

impl<T: Send + 'static> Unbroken<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { rest: Some(Box::pin(future)) }
    }
}

impl<T: Send + 'static> Future for Unbroken<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(rest) = &mut self.rest else { return Poll::Pending };
        let value = ready!(rest.as_mut().poll(cx));
        self.rest = None;
        Poll::Ready(value)
    }
}

impl<T: Send + 'static> Drop for Unbroken<T> {
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.rest.take(), Handle::try_current()) {
            runtime.spawn(rest);
        }
    }
}

/// A panic of the future, without its message: that may hold what the request held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// The future's value, or that it panicked.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        // Unwind safety: after a panic the future is dropped and never polled again; what it shared must hold by itself.
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{Panicked, Unbroken, caught};

    #[tokio::test]
    async fn a_future_dropped_half_way_goes_on() {
        let (go, gone) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        let mut work = Box::pin(Unbroken::new(async move {
            gone.await.unwrap();
            done.send(7).unwrap();
        }));
        let pending = std::future::poll_fn(|cx| std::task::Poll::Ready(work.as_mut().poll(cx).is_pending())).await;
        assert!(pending);
        drop(work);
        go.send(()).unwrap();
        assert_eq!(finished.await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_becomes_a_value() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught(async { panic!("expected by the test") }).await, Err::<(), _>(Panicked));
    }
}
