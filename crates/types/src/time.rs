//! Points in time: nanoseconds since 1970 in UTC.

use serde::{Deserialize, Serialize};

use crate::Ttl;

/// Nanoseconds since 1970-01-01T00:00:00Z, never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

const NS_PER_S: u64 = 1_000_000_000;

impl Timestamp {
    pub const MAX: Self = Self(u64::MAX);

    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    pub const fn from_s(s: u64) -> Self {
        Self(s.saturating_mul(NS_PER_S))
    }

    pub const fn ns(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn unix_s(self) -> u64 {
        self.0 / NS_PER_S
    }

    /// Saturates at the end of time instead of wrapping to the past.
    pub const fn plus(self, ttl: Ttl) -> Self {
        Self(self.0.saturating_add(ttl.as_s().saturating_mul(NS_PER_S)))
    }

    /// Whole seconds from `earlier` to here, rounded down; zero when `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / NS_PER_S
    }

    /// RFC 3339 in UTC with up to nine digits of fraction, as the wire contract has it.
    pub fn rfc3339(self) -> String {
        self.to_string()
    }

    /// Reads RFC 3339. Errors: None when it is not a time after 1970.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let t: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(t.as_nanosecond()).ok().map(Self)
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(t) => t.fmt(f),
            Err(_) => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}
