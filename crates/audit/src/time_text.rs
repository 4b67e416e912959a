//! RFC 3339 with nine digits, for the `time` of every line. Calendar work is done once per second and thread.

use std::cell::Cell;

use strongroom_types::Timestamp;

const SECOND_BYTES: usize = 19; // 2026-01-02T03:04:05

thread_local! {
    static LAST: Cell<(u64, [u8; SECOND_BYTES])> = const { Cell::new((u64::MAX, [b'0'; SECOND_BYTES])) };
}

/// Appends the time without quotes.
pub(crate) fn push_time(out: &mut Vec<u8>, time: Timestamp) {
    out.extend_from_slice(&second_text(time.unix_s()));
    let mut digits = *b".000000000Z";
    let mut rest = time.ns() % 1_000_000_000;
    for place in digits.iter_mut().skip(1).take(9).rev() {
        *place |= (rest % 10) as u8; // '0' is 0x30, so or is plus
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

pub(crate) fn push_quoted_time(out: &mut Vec<u8>, time: Timestamp) {
    out.push(b'"');
    push_time(out, time);
    out.push(b'"');
}

fn second_text(s: u64) -> [u8; SECOND_BYTES] {
    let (known, text) = LAST.get();
    if known == s {
        return text;
    }
    let full = Timestamp::from_s(s).rfc3339();
    let text = full.as_bytes().first_chunk().copied().unwrap_or(text);
    LAST.set((s, text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_as_the_same_time() {
        for ns in [0, 1, 1_000_000_000, 1_764_014_482_681_569_031, 1_764_014_482_000_000_007, 4_102_444_800_999_999_999] {
            let mut out = Vec::new();
            push_time(&mut out, Timestamp::from_ns(ns));
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.len(), 30);
            assert_eq!(Timestamp::parse_rfc3339(&text), Some(Timestamp::from_ns(ns)), "{text}");
        }
    }
}
