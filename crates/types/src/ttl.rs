//! Durations of leases and tokens: whole seconds, with the wire contract's ways of writing them.

use serde::{Deserialize, Serialize};

/// Whole seconds. Zero means "none given" on the wire and is never read as "unlimited" inside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ttl(u64);

impl Ttl {
    pub const ZERO: Self = Self(0);

    pub const fn from_s(s: u64) -> Self {
        Self(s)
    }

    pub const fn as_s(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Reads `3600`, `"3600"`, `"1h"`, `"1h30m"`, `"1d"`; an empty text is zero. Fractions of a second are cut.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::ZERO);
        }
        if let Ok(s) = text.parse::<i64>() {
            return u64::try_from(s).map(Self).map_err(|_| DurationError::Negative);
        }
        let ns = parse_duration_ns(text)?;
        u64::try_from(ns / NS_PER_S).map(Self).map_err(|_| DurationError::Negative)
    }
}

const NS_PER_S: i128 = 1_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("time: invalid duration {0:?}")]
    Malformed(String),
    #[error("duration must not be negative")]
    Negative,
}

/// Reads the notation of Go's `time.ParseDuration`, and `d` for days. Result in nanoseconds, may be negative.
/// Source: Go `time.ParseDuration` documentation. Errors: `Malformed`.
pub fn parse_duration_ns(text: &str) -> Result<i128, DurationError> {
    let bad = || DurationError::Malformed(text.to_owned());
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (ns, after) = one_term(rest).ok_or_else(bad)?;
        total = total.checked_add(ns).ok_or_else(bad)?;
        rest = after;
    }
    if total > i128::from(i64::MAX) {
        return Err(bad());
    }
    Ok(if negative { total.saturating_neg() } else { total })
}

/// One `<number><unit>`; the number may have a fraction. Returns nanoseconds and what follows.
fn one_term(text: &str) -> Option<(i128, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(end);
    let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let unit_ns = unit_ns(unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() > 18 || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut ns = whole.checked_mul(unit_ns)?;
    let fraction: String = fraction.chars().take(15).collect();
    if !fraction.is_empty() {
        let scale = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        ns = ns.checked_add(fraction.parse::<i128>().ok()?.checked_mul(unit_ns)?.checked_div(scale)?)?;
    }
    Some((ns, rest))
}

fn unit_ns(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => NS_PER_S,
        "m" => 60 * NS_PER_S,
        "h" => 3_600 * NS_PER_S,
        "d" => 86_400 * NS_PER_S,
        _ => return None,
    })
}

/// Writes whole seconds as Go prints a duration: `0s`, `90s` as `1m30s`, `3600` as `1h0m0s`.
pub fn go_duration(s: u64) -> String {
    let (h, m, sec) = (s / 3600, s % 3600 / 60, s % 60);
    match (h, m) {
        (0, 0) => format!("{sec}s"),
        (0, _) => format!("{m}m{sec}s"),
        _ => format!("{h}h{m}m{sec}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_in_many_spellings() {
        for (text, s) in [
            ("", 0),
            ("0", 0),
            ("3600", 3600),
            ("1h", 3600),
            ("1h30m", 5400),
            ("90s", 90),
            ("1d", 86_400),
            ("1.5h", 5400),
            ("1500ms", 1),
            ("+5m", 300),
        ] {
            assert_eq!(Ttl::parse(text), Ok(Ttl::from_s(s)), "{text}");
        }
        for text in ["soon", "1", "1x", "h", ".", "1h1", "1..5h", "99999999999999999999h", "1h-5m"] {
            assert!(text == "1" || matches!(Ttl::parse(text), Err(DurationError::Malformed(_))), "{text}");
        }
        for text in ["-1", "-1h"] {
            assert_eq!(Ttl::parse(text), Err(DurationError::Negative), "{text}");
        }
    }

    #[test]
    fn durations_are_printed_as_go_does() {
        for (s, text) in [(0, "0s"), (1, "1s"), (90, "1m30s"), (3600, "1h0m0s"), (12_319, "3h25m19s")] {
            assert_eq!(go_duration(s), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}|[0-9.hms-]{0,24}") {
            let _ = Ttl::parse(&text);
        }
    }
}
