//! What every sink promises, as a check that tests of each sink call.

use strongroom_types::Timestamp;

use super::Device;
use crate::AuditError;

/// Runs lines, ticks and a close through a fresh device. `lines` gives back all that was written so far.
/// Errors: the promise that was broken.
pub async fn check(device: &dyn Device, now: Timestamp, lines: impl Fn() -> Vec<String>) -> Result<(), String> {
    let line = |n: u64| format!("\"time\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"request\",\"n\":{n}}}").into_bytes();
    for n in 0..300 {
        let ticket = device.append(&line(n)).map_err(|e| format!("line {n} was refused: {e}"))?;
        ticket.await.map_err(|e| format!("line {n} was lost: {e}"))?;
        let is_there = lines().iter().any(|l| l.ends_with(&format!("\"n\":{n}}}")));
        ensure(is_there, "an acknowledged line is written")?;
        if n % 100 == 0 {
            device.tick(now).map_err(|e| format!("tick: {e}"))?;
        }
    }
    let is_refused = matches!(device.append(b"\"a\":\"x\ny\"}"), Err(AuditError::Malformed));
    ensure(is_refused, "a record of two lines is refused")?;
    device.close(now).map_err(|e| format!("close: {e}"))?;
    ensure(matches!(device.append(&line(0)), Err(AuditError::Closed)), "nothing is taken after close")?;
    let numbers: Vec<u64> = lines().iter().filter_map(|l| crate::line::parse_seq(l.as_bytes()).map(|(seq, _)| seq)).collect();
    ensure(numbers.iter().copied().eq(0..numbers.len() as u64), "numbers are dense from 0")?;
    ensure(numbers.len() == 301, "one line appoints the key, all others are records")
}

fn ensure(holds: bool, promise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("broken promise: {promise}")) }
}
