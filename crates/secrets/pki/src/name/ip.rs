//! IP addresses as certificates may carry them.

use std::net::IpAddr;

use ipnet::IpNet;
use strongroom_engine::{Error, Result};

use crate::error::printable;
use crate::role::Role;

/// Errors: `Invalid` for what is no address.
pub fn parse(texts: &[String]) -> Result<Vec<IpAddr>> {
    let address = |text: &String| {
        text.trim().parse().map_err(|_| Error::invalid(format!("the value \"{}\" is not a valid IP address", printable(text))))
    };
    texts.iter().filter(|t| !t.trim().is_empty()).map(address).collect()
}

/// Errors: `Invalid` for what is no network.
pub fn networks(texts: &[String]) -> Result<Vec<IpNet>> {
    let network = |text: &String| {
        let refused = || Error::invalid("error parsing allowed_ip_sans_cidr: each entry must be a network such as 10.0.0.0/8");
        text.trim().parse().map_err(|_| refused())
    };
    texts.iter().map(network).collect()
}

/// Errors: `Invalid` when the role does not allow one of them. SECURITY (CVE-2026-115369): asked of all addresses, whether they
/// come as parameters, in a signing request or as a common name.
pub fn judge(role: &Role, addresses: &[IpAddr]) -> Result<()> {
    if addresses.is_empty() {
        return Ok(());
    }
    if !role.allow_ip_sans {
        return Err(Error::invalid("IP Subject Alternative Names are not allowed in this role, but were provided"));
    }
    let networks = networks(&role.allowed_ip_sans_cidr)?;
    // An IPv4 address written within IPv6 is the IPv4 address.
    let fits = |a: &IpAddr| networks.is_empty() || networks.iter().any(|net| net.contains(&a.to_canonical()));
    match addresses.iter().find(|a| !fits(a)) {
        Some(address) => Err(Error::invalid(format!("IP address {address} not allowed by this role"))),
        None => Ok(()),
    }
}
