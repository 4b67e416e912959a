//! Networks of secret ids: always in CIDR form, and within those of the role.

use strongroom_engine::{Cidrs, Error, Result};

/// Errors: `Invalid` naming the field for an address without a length or a text that is neither.
pub fn networks(field: &'static str, texts: &[String]) -> Result<Cidrs> {
    let is_network = |text: &String| text.trim().is_empty() || text.contains('/');
    let invalid = || Error::invalid(format!("failed to validate CIDR blocks: {field} must hold networks in CIDR form"));
    if !texts.iter().all(is_network) {
        return Err(invalid());
    }
    Cidrs::parse(texts).map_err(|_| invalid())
}

/// Errors: `Invalid` when a secret id's networks reach beyond its role's.
pub fn check_within(field: &'static str, inner: &Cidrs, outer: &Cidrs) -> Result<()> {
    if inner.is_empty() || inner.is_within(outer) {
        return Ok(());
    }
    Err(Error::invalid(format!("failed to verify subset relationship: {field} must lie within the CIDR blocks on the role")))
}
