//! Networks that a token, role or secret is bound to.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Most networks of one list.
const CIDRS_MAX: usize = 256;

/// Addresses and networks. An empty list binds to nothing: every address fits.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cidrs(Vec<IpNet>);

impl Cidrs {
    /// Reads `10.0.0.0/8`, `127.0.0.1`, `::1/128`. What is written as IPv4 within IPv6 is IPv4. Errors: `Invalid`, not quoting
    /// the text. SECURITY: an empty text is refused, or a list that was meant to bind would bind nothing.
    pub fn parse(texts: &[String]) -> Result<Self> {
        if texts.len() > CIDRS_MAX {
            return Err(Error::invalid("at most 256 addresses or networks can be bound"));
        }
        let nets = texts.iter().map(|t| t.trim()).map(|text| {
            let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map(canonical).map_err(|_| {
                Error::invalid("error parsing address: it must be an IPv4 or IPv6 address or a network in CIDR form")
            })
        });
        nets.collect::<Result<Vec<_>>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether requests from there fit. SECURITY: an unknown address fits no binding. An IPv4 address that comes mapped
    /// into IPv6 is the IPv4 address.
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        self.is_empty() || address.is_some_and(|a| self.0.iter().any(|net| net.contains(&a.to_canonical())))
    }

    /// Whether every address of these is one of those. An empty list is every address.
    pub fn is_within(&self, outer: &Self) -> bool {
        outer.is_empty() || (!self.is_empty() && self.0.iter().all(|net| outer.0.iter().any(|o| o.contains(net))))
    }

    /// As shown: single addresses without a length.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(|n| if n.prefix_len() == n.max_prefix_len() { n.addr().to_string() } else { n.to_string() }).collect()
    }

    /// As shown where every entry has a length: `10.0.0.1/32`.
    pub fn networks(&self) -> Vec<String> {
        self.0.iter().map(IpNet::to_string).collect()
    }

    /// The one address.
    pub fn only(address: IpAddr) -> Self {
        Self(vec![IpNet::from(address.to_canonical())])
    }
}

/// The leading bits that mark IPv4 within IPv6.
const MAPPED_BITS: u8 = 96;

fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let mapped = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED_BITS));
    mapped.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok()).map_or(net, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidrs(texts: &[&str]) -> Result<Cidrs> {
        Cidrs::parse(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn addresses_fit_or_not() {
        let bound = cidrs(&["10.0.0.0/8", "127.0.0.1", "::1/128"]).unwrap();
        assert_eq!(bound.texts(), ["10.0.0.0/8", "127.0.0.1", "::1"]);
        assert_eq!(bound.networks(), ["10.0.0.0/8", "127.0.0.1/32", "::1/128"]);
        for (address, fits) in [
            ("10.1.2.3", true),
            ("11.0.0.1", false),
            ("127.0.0.1", true),
            ("::1", true),
            ("::2", false),
            ("::ffff:10.0.0.9", true),
        ] {
            assert_eq!(bound.admits(Some(address.parse().unwrap())), fits, "{address}");
        }
        assert!(!bound.admits(None) && Cidrs::default().admits(None));
        for refused in
            ["nonsense", "10.0.0.0/33", "", " ", "127.0.0.1,::1", "127.0.0.1:80", "/tmp/socket", "::1%eth0", "010.0.0.1"]
        {
            assert!(cidrs(&[refused]).is_err(), "{refused}");
        }
        let mapped = cidrs(&["::ffff:10.0.0.1", "::ffff:11.0.0.0/104"]).unwrap();
        assert_eq!(mapped.texts(), ["10.0.0.1", "11.0.0.0/8"]);
        assert!(
            mapped.admits(Some("10.0.0.1".parse().unwrap()))
                && !cidrs(&["::/0"]).unwrap().admits(Some("10.0.0.1".parse().unwrap()))
        );
    }

    #[test]
    fn a_list_lies_within_another() {
        let outer = cidrs(&["10.0.0.0/8", "192.168.0.0/16"]).unwrap();
        assert!(cidrs(&["10.1.0.0/16", "192.168.1.1"]).unwrap().is_within(&outer));
        assert!(!cidrs(&["10.1.0.0/16", "172.16.0.1"]).unwrap().is_within(&outer));
        assert!(!Cidrs::default().is_within(&outer) && outer.is_within(&Cidrs::default()));
    }
}
