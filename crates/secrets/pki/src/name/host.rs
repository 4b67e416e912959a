//! Host names as certificates may carry them.

/// Longest name in its ASCII form, and longest label.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A host name, or a mail address's host, with or without a wildcard in its first label.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// In ASCII, as it will stand in a certificate; the case is kept.
    pub ascii: String,
    /// The part without wildcard: all of it, or what follows the first label.
    pub base: String,
    pub is_wildcard: bool,
}

impl Host {
    /// Reads a name: international ones in their ASCII form. None for what is no host name.
    pub fn parse(name: &str) -> Option<Self> {
        let ascii = ascii(name)?;
        let is_wildcard = ascii.contains('*');
        let base = match is_wildcard {
            false => ascii.clone(),
            true => {
                let (label, rest) = ascii.split_once('.')?;
                is_wildcard_label(label).then(|| rest.to_owned())?
            }
        };
        (ascii.len() <= NAME_BYTES_MAX && is_host(&base)).then_some(Self { ascii, base, is_wildcard })
    }

    /// Whether this is a name below `domain`, or a wildcard for all of them.
    pub fn is_below(&self, domain: &str) -> bool {
        let equal = self.base.eq_ignore_ascii_case(domain);
        let below = self
            .base
            .len()
            .checked_sub(domain.len())
            .and_then(|cut| self.base.split_at_checked(cut))
            .is_some_and(|(head, tail)| head.len() > 1 && head.ends_with('.') && tail.eq_ignore_ascii_case(domain));
        below || (self.is_wildcard && equal)
    }

    /// Whether this is `domain` itself.
    pub fn is(&self, domain: &str) -> bool {
        !self.is_wildcard && self.ascii.eq_ignore_ascii_case(domain)
    }
}

/// The ASCII form. A label that claims to be encoded must be what the encoding gives.
pub fn ascii(name: &str) -> Option<String> {
    if name.is_ascii() && !has_encoded_label(name) {
        return Some(name.to_owned());
    }
    let (wildcard, rest) = match name.split_once('.') {
        Some((label, rest)) if label.contains('*') => (Some(label), rest),
        _ => (None, name),
    };
    let rest = idna::domain_to_ascii_strict(rest).ok()?;
    Some(match wildcard {
        Some(label) => format!("{label}.{rest}"),
        None => rest,
    })
}

fn has_encoded_label(name: &str) -> bool {
    name.split('.').any(|label| label.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("xn--")))
}

/// RFC 1123: labels of letters, digits and inner hyphens. A last label of digits only would read as an address.
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_name = name.rsplit('.').next().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
    name.split('.').all(is_label) && last_is_name
}

/// RFC 6125 section 6.4.3: one star, alone or beside letters of an unencoded label.
fn is_wildcard_label(label: &str) -> bool {
    let Some((head, tail)) = label.split_once('*') else { return false };
    let fits = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let hyphens = head.starts_with('-') || tail.ends_with('-');
    fits(head) && fits(tail) && !hyphens && !has_encoded_label(label) && label.len() <= LABEL_BYTES_MAX
}

/// A mail address: its local part and its host. None for what is none; quoted local parts and international ones are not taken.
pub fn mail(address: &str) -> Option<(&str, Host)> {
    let (local, domain) = address.split_once('@')?;
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_local = local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let host = Host::parse(domain).filter(|host| !host.is_wildcard)?;
    is_local.then_some((local, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_letters_digits_and_hyphens() {
        let long = format!("{}.example.com", "a".repeat(64));
        let longer = format!("{}com", "abcdefg.".repeat(32));
        for name in
            ["example.com", "R", "a-b.example.com", "1.example.com", "xn--mnchen-3ya.de", "*.example.com", "b*z.example.com"]
        {
            assert!(Host::parse(name).is_some(), "{name}");
        }
        for name in [
            "",
            ".",
            "a..b",
            ".a",
            "a.",
            "example.com.",
            "-a.b",
            "a-.b",
            "a_b.c",
            "a b",
            "a\0b.c",
            "a\nb",
            "10.0.0.1",
            "1",
            "::1",
            "a/b",
            "*",
            "*.",
            "a.*.b",
            "**.a",
            "*.*.a",
            "-*.a",
            "xn--*.a",
            "xn--.de",
            "a.b\u{202e}",
            "a,b.c",
            &long,
            &longer,
        ] {
            assert_eq!(Host::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn international_names_get_their_ascii_form() {
        assert_eq!(Host::parse("münchen.de").unwrap().ascii, "xn--mnchen-3ya.de");
        assert_eq!(Host::parse("*.münchen.de").unwrap().ascii, "*.xn--mnchen-3ya.de");
        // A dot that only looks like one, and a label that is encoded wrongly.
        assert_eq!(Host::parse("a。example.com").map(|h| h.ascii), Some("a.example.com".into()));
        assert_eq!(Host::parse("xn--a.example.com"), None);
    }

    #[test]
    fn only_whole_labels_make_a_subdomain() {
        for (name, expected) in [
            ("a.example.com", true),
            ("a.b.EXAMPLE.com", true),
            ("*.example.com", true),
            ("*.a.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            ("example.com.evil.org", false),
            ("a.example.comm", false),
            ("*.com", false),
        ] {
            assert_eq!(Host::parse(name).unwrap().is_below("example.com"), expected, "{name}");
        }
    }

    #[test]
    fn mail_addresses_have_a_plain_local_part_and_a_host() {
        for address in ["me@example.com", "first.last+tag@sub.example.com"] {
            assert!(mail(address).is_some(), "{address}");
        }
        for address in
            ["me", "@example.com", "me@", "a@b@c", "\"a b\"@c.d", "a..b@c.d", ".a@c.d", "a b@c.d", "me@*.example.com", "ü@c.d"]
        {
            assert!(mail(address).is_none(), "{address}");
        }
    }
}
