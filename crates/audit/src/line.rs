//! How every line begins: `{"seq":N,"time":"T","type":"K"`. Only this spelling is accepted.

use strongroom_types::Timestamp;

pub(crate) const RESTART: &[u8] = b"restart";
pub(crate) const ROTATE: &[u8] = b"rotate";

/// Time in nine digits, with the Z.
const TIME_BYTES: usize = 30;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Prefix<'a> {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    pub(crate) kind: &'a [u8],
}

impl Prefix<'_> {
    pub(crate) fn is_appointment(&self) -> bool {
        self.kind == RESTART || self.kind == ROTATE
    }
}

pub(crate) fn parse(line: &[u8]) -> Option<Prefix<'_>> {
    let (seq, rest) = parse_seq(line)?;
    let (time, rest) = rest.strip_prefix(b",\"time\":\"")?.split_at_checked(TIME_BYTES)?;
    let time = Timestamp::parse_rfc3339(std::str::from_utf8(time).ok()?)?;
    let rest = rest.strip_prefix(b"\",\"type\":\"")?;
    let kind = rest.get(..memchr::memchr(b'"', rest)?)?;
    Some(Prefix { seq, time, kind })
}

/// The sequence number and what follows it.
pub(crate) fn parse_seq(line: &[u8]) -> Option<(u64, &[u8])> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().position(|b| !b.is_ascii_digit())?;
    let (number, rest) = rest.split_at_checked(digits)?;
    if number.len() > 1 && number.first() == Some(&b'0') {
        return None;
    }
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_is_accepted() {
        let good = br#"{"seq":12,"time":"2026-11-24T20:01:22.681569031Z","type":"request","auth":{}}"#;
        let prefix = parse(good).unwrap();
        assert_eq!((prefix.seq, prefix.kind), (12, &b"request"[..]));
        for bad in [
            &br#"{"seq":012,"time":"2026-11-24T20:01:22.681569031Z","type":"request"}"#[..],
            br#"{"seq":,"time":"2026-11-24T20:01:22.681569031Z","type":"request"}"#,
            br#"{"seq":1, "time":"2026-11-24T20:01:22.681569031Z","type":"request"}"#,
            br#"{"seq":1,"time":"2026-13-24T20:01:22.681569031Z","type":"request"}"#,
            b"{\"seq\":1",
            b"",
        ] {
            assert_eq!(parse(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }
}
