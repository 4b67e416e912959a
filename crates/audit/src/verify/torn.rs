//! What a crash leaves of the entry that was being written: its beginning and nothing else. Anything more than that at
//! the end of a file was changed by somebody, such as a last newline that became another character.

use crate::epoch::Appointment;

/// A line: what it begins with, then how many of which characters.
struct Form {
    label: &'static str,
    is_allowed: fn(&u8) -> bool,
    count: std::ops::RangeInclusive<usize>,
}

const NUMBER: std::ops::RangeInclusive<usize> = 1..=20;
const HASH: std::ops::RangeInclusive<usize> = 44..=44;

/// The lines of a stored checkpoint.
const NOTE: [Form; 11] = [
    form("strongroom.audit/", u8::is_ascii_hexdigit, 16..=16),
    form("", u8::is_ascii_digit, NUMBER),
    form("", is_base64, HASH),
    form("epoch ", u8::is_ascii_digit, NUMBER),
    form("time ", |b| b.is_ascii_digit() || b"-T:.Z".contains(b), 20..=30),
    form("prev ", is_base64, HASH),
    form("store ", u8::is_ascii_digit, NUMBER),
    form("kept ", u8::is_ascii_digit, NUMBER),
    form("", |_| false, 0..=0),
    // The rest of the log's name, a space, 68 bytes in base64.
    form("— strongroom.audit/", |b| *b == b' ' || is_base64(b), 109..=109),
    form("", |_| false, 0..=0),
];

const fn form(label: &'static str, is_allowed: fn(&u8) -> bool, count: std::ops::RangeInclusive<usize>) -> Form {
    Form { label, is_allowed, count }
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(byte)
}

impl Form {
    fn is_whole(&self, line: &[u8]) -> bool {
        let value = line.strip_prefix(self.label.as_bytes());
        value.is_some_and(|value| self.count.contains(&value.len()) && value.iter().all(self.is_allowed))
    }

    fn is_begun(&self, line: &[u8]) -> bool {
        match line.strip_prefix(self.label.as_bytes()) {
            Some(value) => value.len() <= *self.count.end() && value.iter().all(self.is_allowed),
            None => self.label.as_bytes().starts_with(line),
        }
    }
}

/// Whether this is the beginning of a stored checkpoint and not all of it.
pub(super) fn is_torn_note(text: &[u8]) -> bool {
    let mut lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let begun = lines.pop().unwrap_or_default();
    let whole_match = lines.iter().zip(&NOTE).all(|(line, form)| form.is_whole(line));
    whole_match && NOTE.get(lines.len()).is_some_and(|form| form.is_begun(begun))
}

/// Whether this is the beginning of a line that appoints a key; only the newline may be missing from a whole one.
pub(super) fn is_torn_copy(text: &[u8]) -> bool {
    let start = b"{\"seq\":";
    let is_begun = text.starts_with(start) || start.starts_with(text);
    match memchr::memchr(b'}', text) {
        None => is_begun && text.iter().all(u8::is_ascii_graphic),
        Some(_) => Appointment::parse(text).is_some(), // the only such character is the last one
    }
}

#[cfg(test)]
mod tests {
    use strongroom_types::Timestamp;

    use super::*;
    use crate::epoch::{Cause, EpochKey, log_origin};
    use crate::{Checkpoint, Head};

    /// Every beginning is torn; none is with a bit of its last newline flipped, or with anything behind it.
    fn check(entry: &[u8], is_torn: fn(&[u8]) -> bool) {
        for end in 1..entry.len() {
            assert!(is_torn(&entry[..end]), "{end} bytes");
        }
        assert!(!is_torn(entry));
        for at in (0..entry.len()).filter(|at| entry[*at] == b'\n') {
            for bit in 0..8 {
                let mut changed = entry.to_vec();
                changed[at] ^= 1 << bit;
                assert!(!is_torn(&changed), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn only_beginnings_are_torn() {
        let key = EpochKey::for_test(7);
        let origin = log_origin(&key.public());
        for (number, ns) in [(0, 1_764_014_482_681_569_031), (u64::MAX, 1_764_014_482_000_000_000)] {
            let (head, time) = (Head { size: number, root: [9; 32] }, Timestamp::from_ns(ns));
            let (prev, origin) = ([251; 32], origin.clone());
            let note = Checkpoint { origin: origin.clone(), head, epoch: number, time, prev, store: number, kept: number };
            check(format!("{}\n", note.sign(&key)).as_bytes(), is_torn_note);
            for cause in [Cause::Rotate, Cause::Restart { dropped_bytes: number }] {
                let (key_bytes, root, origin) = ([3; 32], [4; 32], origin.clone());
                let line = Appointment { seq: number, time, cause, origin, epoch: 2, key: key_bytes, root }.line(&key);
                check(&[&line[..], b"\n"].concat(), is_torn_copy);
            }
        }
    }
}
