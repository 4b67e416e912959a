//! When a certificate begins and ends.

use strongroom_engine::{Ctx, Error, Lifetimes, Result};
use strongroom_types::{Timestamp, Ttl, go_duration};

use crate::certificate::{END_OF_TIME_S, second_of};
use crate::error::printable;
use crate::role::Role;
use crate::store::LeafNotAfter;

/// What a request asks for. Empty texts are none.
#[derive(Default)]
pub struct Wanted {
    pub ttl: Ttl,
    pub not_before: String,
    pub not_after: String,
}

/// Seconds since 1970, both inclusive, and warnings.
#[derive(Debug)]
pub struct Validity {
    pub not_before_s: u64,
    pub not_after_s: u64,
    pub warnings: Vec<String>,
}

/// The bounds within which a request may choose; a role's, or a root's where little is bounded.
pub struct Bounds<'r> {
    /// Zero is none.
    pub ttl: Ttl,
    pub max_ttl: Ttl,
    pub backdated: Ttl,
    pub not_before: &'r str,
    pub not_before_bound: &'r str,
    pub not_after: &'r str,
    pub not_after_bound: &'r str,
    pub lifetimes: Lifetimes,
    pub now: Timestamp,
}

impl<'r> Bounds<'r> {
    pub fn of_role(role: &'r Role, ctx: &Ctx) -> Self {
        Self {
            ttl: role.ttl,
            max_ttl: role.max_ttl,
            backdated: role.not_before_duration,
            not_before: &role.not_before,
            not_before_bound: &role.not_before_bound,
            not_after: &role.not_after,
            not_after_bound: &role.not_after_bound,
            lifetimes: ctx.lifetimes,
            now: ctx.now,
        }
    }

    /// For a CA's own certificate.
    pub fn of_root(backdated: Ttl, ctx: &Ctx) -> Self {
        Self {
            ttl: Ttl::ZERO,
            max_ttl: Ttl::ZERO,
            backdated,
            not_before: "",
            not_before_bound: "permit",
            not_after: "",
            not_after_bound: "permit",
            lifetimes: ctx.lifetimes,
            now: ctx.now,
        }
    }

    /// The end of a lifetime that starts now. Errors: `Invalid` naming the field or the rule.
    pub fn settle(&self, wanted: &Wanted) -> Result<Validity> {
        if !wanted.ttl.is_zero() && !wanted.not_after.is_empty() {
            let text = "Either ttl or not_after should be provided. Both should not be provided in the same request.";
            return Err(Error::invalid(text));
        }
        let mut warnings = Vec::new();
        let not_before_s = self.begin(&wanted.not_before)?;
        let not_after_s = match self.fixed_end(wanted)? {
            Some(end_s) => end_s,
            None => second_of(self.now.plus(self.ttl(wanted.ttl, &mut warnings))),
        };
        if not_after_s <= not_before_s {
            return Err(Error::invalid("the certificate's end must be later than its beginning"));
        }
        if not_after_s <= second_of(self.now) {
            return Err(Error::invalid("the certificate's end must lie in the future"));
        }
        Ok(Validity { not_before_s, not_after_s, warnings })
    }

    fn max_ttl(&self) -> Ttl {
        if self.max_ttl.is_zero() { self.lifetimes.max_ttl } else { self.max_ttl.min(self.lifetimes.max_ttl) }
    }

    fn ttl(&self, wanted: Ttl, warnings: &mut Vec<String>) -> Ttl {
        let (given, max) = (if wanted.is_zero() { self.ttl } else { wanted }, self.max_ttl());
        let ttl = if given.is_zero() { self.lifetimes.default_ttl } else { given };
        if ttl > max {
            let (ttl, max) = (go_duration(ttl.as_s()), go_duration(max.as_s()));
            warnings.push(format!("TTL \"{ttl}\" is longer than permitted maxTTL \"{max}\", so maxTTL is being used"));
        }
        ttl.min(max)
    }

    fn begin(&self, wanted: &str) -> Result<u64> {
        let backdated = self.now.unix_s().saturating_sub(self.backdated.as_s());
        if wanted.is_empty() {
            return if self.not_before.is_empty() { Ok(backdated) } else { moment("not_before", self.not_before) };
        }
        let begin = moment("not_before", wanted)?;
        match self.not_before_bound {
            "forbid" => Err(Error::invalid("not_before cannot be asked for by this role")),
            "duration" if begin < backdated => {
                Err(Error::invalid("not_before is earlier than this role's not_before_duration allows"))
            }
            _ => Ok(begin),
        }
    }

    /// An end that was asked for or that the role sets.
    fn fixed_end(&self, wanted: &Wanted) -> Result<Option<u64>> {
        if wanted.not_after.is_empty() {
            let fixed = wanted.ttl.is_zero() && !self.not_after.is_empty();
            return fixed.then(|| moment("not_after", self.not_after)).transpose();
        }
        let end = moment("not_after", &wanted.not_after)?;
        let latest = match self.not_after_bound {
            "permit" => END_OF_TIME_S,
            "ttl-limited" => second_of(self.now.plus(self.max_ttl())),
            "forbid" => return Err(Error::invalid("not_after cannot be asked for by this role")),
            time => moment("not_after_bound", time)?,
        };
        if end > latest { Err(Error::invalid("not_after is later than this role allows")) } else { Ok(Some(end)) }
    }
}

impl Validity {
    /// Bounds a leaf by its issuer's end. Errors: `Invalid` when it would outlive it and the issuer does not cut.
    pub fn bounded(mut self, ca_not_after_s: u64, behaviour: LeafNotAfter) -> Result<Self> {
        if self.not_after_s <= ca_not_after_s {
            return Ok(self);
        }
        match behaviour {
            LeafNotAfter::Permit => Ok(self),
            LeafNotAfter::Truncate if ca_not_after_s > self.not_before_s => {
                self.not_after_s = ca_not_after_s;
                Ok(self)
            }
            _ => {
                let (end, ca) = (Timestamp::from_s(self.not_after_s), Timestamp::from_s(ca_not_after_s));
                Err(Error::invalid(format!(
                    "cannot satisfy request, as TTL would result in notAfter of {end} that is beyond the expiration of the CA \
                     certificate at {ca}"
                )))
            }
        }
    }
}

/// An RFC 3339 time in seconds since 1970, cut to what a certificate can name.
fn moment(field: &str, text: &str) -> Result<u64> {
    // The end of time is later than what fits in nanoseconds.
    let far = text.starts_with("9999-12-31T23:59:59");
    let found = if far { Some(END_OF_TIME_S) } else { Timestamp::parse_rfc3339(text).map(second_of) };
    found.ok_or_else(|| {
        let layout = "2006-01-02T15:04:05Z07:00";
        let shown = printable(text).replace(['"', '\\'], "?");
        if field == "not_after" && text.starts_with(|c: char| !c.is_ascii_digit()) {
            Error::invalid(format!("parsing time \"{shown}\" as \"{layout}\": cannot parse \"{shown}\" as \"2006\""))
        } else {
            Error::invalid(format!("{field} must be a time such as 2030-01-31T12:00:00Z"))
        }
    })
}
