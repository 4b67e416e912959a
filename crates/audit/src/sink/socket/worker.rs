//! The thread of a socket device: connect, send, and after any failure all over again, later each time.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Target;
use super::link::Link;
use super::queue::Queue;
use crate::AuditError;

const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Errors: `Io` when the system starts no thread.
pub(super) fn start(target: Target, write_timeout: Duration, queue: Arc<Queue>) -> Result<(), AuditError> {
    let thread = thread::Builder::new().name("audit-socket".to_owned());
    let started = thread.spawn(move || {
        run(&target, write_timeout, &queue);
        queue.end();
    });
    started.map(drop).map_err(AuditError::io("starting a thread for", "audit socket".as_ref()))
}

fn run(target: &Target, write_timeout: Duration, queue: &Queue) {
    let address: Arc<str> = target.address.as_str().into();
    let failure = |doing, source| AuditError::Socket { doing, address: address.clone(), source: Arc::new(source) };
    let mut pause = PAUSE_MIN;
    loop {
        let trouble = match Link::connect(target, write_timeout) {
            Ok(mut link) => {
                queue.connected();
                match send_all(&mut link, queue, &mut pause) {
                    Ok(()) => return,
                    Err(source) => failure("writing to", source),
                }
            }
            Err(source) => failure("connecting to", source),
        };
        queue.failed(&trouble);
        if queue.pause(pause) {
            return;
        }
        pause = pause.saturating_mul(2).min(PAUSE_MAX);
    }
}

/// Until the queue is closed and empty. Errors: the peer is gone or took a line too slowly; that line is sent again.
fn send_all(link: &mut Link, queue: &Queue, pause: &mut Duration) -> std::io::Result<()> {
    while let Some(waiting) = queue.take() {
        match link.send(&waiting.line) {
            Ok(()) => {
                *pause = PAUSE_MIN;
                queue.sent(waiting);
            }
            Err(error) => {
                queue.put_back(waiting);
                return Err(error);
            }
        }
    }
    Ok(())
}
