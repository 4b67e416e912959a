//! Whose request is it when a proxy brings it? The proxy's word counts only when its own address is trusted, and a header
//! that can't be understood is refused rather than half believed. The settings and their meaning are the reference's.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::config::Forwarded;
use crate::refusal::Refusal;

const HEADER: &str = "x-forwarded-for";

/// The client's address: the peer's own, or the one that a trusted peer names (with the peer's port).
pub(crate) fn client(rules: &Forwarded, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<Option<SocketAddr>, Refusal> {
    if rules.authorized.is_empty() {
        return Ok(peer);
    }
    if !headers.contains_key(HEADER) {
        return if rules.reject_not_present { Err(Refusal::ForwardedMissing) } else { Ok(peer) };
    }
    let Some(proxy) = peer.filter(|peer| rules.authorized.iter().any(|range| range.contains(peer.ip()))) else {
        return if rules.reject_not_authorized { Err(Refusal::ForwardedNotAuthorized) } else { Ok(peer) };
    };
    let ip = entry_from_end(headers, rules.hop_skips).and_then(parse).ok_or(Refusal::ForwardedMalformed)?;
    Ok(Some(SocketAddr::new(ip, proxy.port())))
}

/// Several headers are one list, in the order they came.
fn entry_from_end(headers: &HeaderMap, skip: usize) -> Option<&str> {
    let lists = headers.get_all(HEADER).iter().rev();
    lists.flat_map(|list| list.to_str().unwrap_or_default().rsplit(',')).map(str::trim).nth(skip)
}

/// Some proxies write the port too; it is of no use to us.
fn parse(entry: &str) -> Option<IpAddr> {
    let ip = entry.parse::<IpAddr>().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::client;
    use crate::config::Forwarded;

    fn rules(hop_skips: usize, reject: bool) -> Forwarded {
        let authorized = vec!["10.0.0.0/8".parse().unwrap()];
        Forwarded { authorized, hop_skips, reject_not_present: reject, reject_not_authorized: reject }
    }

    fn check(rules: &Forwarded, lists: &[&'static str], peer: &str, expected: Option<&str>) {
        let headers: HeaderMap =
            lists.iter().map(|list| (super::HEADER.parse().unwrap(), HeaderValue::from_static(list))).collect();
        let found = client(rules, &headers, Some(peer.parse().unwrap())).ok().flatten();
        assert_eq!(found.map(|address| address.to_string()).as_deref(), expected, "{lists:?} from {peer}");
    }

    #[test]
    fn without_trusted_proxies_the_header_is_not_read() {
        check(&Forwarded::default(), &["1.1.1.1"], "10.0.0.1:5", Some("10.0.0.1:5"));
    }

    #[test]
    fn a_trusted_proxy_names_the_client_counted_from_the_end() {
        check(&rules(0, true), &["1.1.1.1, 2.2.2.2"], "10.0.0.1:5", Some("2.2.2.2:5"));
        check(&rules(1, true), &["1.1.1.1, 2.2.2.2"], "10.0.0.1:5", Some("1.1.1.1:5"));
        check(&rules(1, true), &["1.1.1.1", "2.2.2.2,3.3.3.3"], "10.0.0.1:5", Some("2.2.2.2:5"));
        check(&rules(2, true), &["1.1.1.1", "2.2.2.2,3.3.3.3"], "10.0.0.1:5", Some("1.1.1.1:5"));
        check(&rules(0, true), &["2001:db8::1"], "10.0.0.1:5", Some("[2001:db8::1]:5"));
        check(&rules(0, true), &["1.1.1.1:99"], "10.0.0.1:5", Some("1.1.1.1:5"));
    }

    #[test]
    fn what_cannot_be_believed_is_refused() {
        check(&rules(2, true), &["1.1.1.1, 2.2.2.2"], "10.0.0.1:5", None);
        check(&rules(0, true), &["nonsense"], "10.0.0.1:5", None);
        check(&rules(0, true), &[""], "10.0.0.1:5", None);
        check(&rules(0, true), &[], "10.0.0.1:5", None);
        check(&rules(0, true), &["1.1.1.1"], "192.0.2.1:5", None);
    }

    #[test]
    fn lenient_rules_fall_back_to_the_peer_itself() {
        check(&rules(0, false), &[], "10.0.0.1:5", Some("10.0.0.1:5"));
        check(&rules(0, false), &["1.1.1.1"], "192.0.2.1:5", Some("192.0.2.1:5"));
        check(&rules(0, false), &["nonsense"], "10.0.0.1:5", None);
    }
}
