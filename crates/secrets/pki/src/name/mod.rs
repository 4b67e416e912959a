//! The names of a certificate: what was asked for, judged by a role, in the form in which they are signed.

pub mod host;
pub mod ip;
pub mod other;
pub mod subject;
pub mod uri;

use std::net::IpAddr;

use der::asn1::Ia5String;
use strongroom_engine::{Error, Result};
use strongroom_types::glob_fits;
use x509_cert::ext::pkix::name::GeneralName;

use crate::error::{encoding, printable};
use crate::role::Role;
use host::Host;
use other::OtherName;

/// Alternative names of one certificate.
const NAMES_MAX: usize = 1000;

/// Names that are asked for, whether as parameters or in a signing request.
#[derive(Default, Clone, Debug)]
pub struct Wanted {
    /// Empty for none.
    pub common_name: String,
    /// Host names and mail addresses.
    pub alternatives: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub uris: Vec<String>,
    pub others: Vec<OtherName>,
    /// Leaves the common name out of the alternative names.
    pub excludes_common_name: bool,
    /// Of the subject; empty for none.
    pub serial_number: String,
    pub user_ids: Vec<String>,
}

impl Wanted {
    /// The alternative names of the certificate. Each name comes once. Errors: `Invalid` for what can stand in no certificate.
    pub fn general_names(&self) -> Result<Vec<GeneralName>> {
        let mut all: Vec<GeneralName> = Vec::new();
        let common_name = (!self.excludes_common_name).then_some(&self.common_name).and_then(|name| in_certificate(name));
        for name in common_name.into_iter().map(Ok).chain(self.alternatives.iter().map(|name| alternative(name))) {
            push(&mut all, name?)?;
        }
        for address in &self.addresses {
            push(&mut all, GeneralName::from(*address))?;
        }
        for uri in &self.uris {
            push(&mut all, GeneralName::UniformResourceIdentifier(ia5(uri)?))?;
        }
        for other in &self.others {
            push(&mut all, other.general_name()?)?;
        }
        Ok(all)
    }
}

fn push(all: &mut Vec<GeneralName>, name: GeneralName) -> Result<()> {
    if all.len() >= NAMES_MAX {
        return Err(Error::invalid(format!("a certificate can have at most {NAMES_MAX} alternative names")));
    }
    if !all.contains(&name) {
        all.push(name);
    }
    Ok(())
}

fn ia5(text: &str) -> Result<Ia5String> {
    Ia5String::new(text).map_err(encoding)
}

/// A host name or a mail address as an alternative name; None for what is neither.
fn in_certificate(name: &str) -> Option<GeneralName> {
    if let Some((local, host)) = host::mail(name) {
        return ia5(&format!("{local}@{}", host.ascii)).ok().map(GeneralName::Rfc822Name);
    }
    Host::parse(name).and_then(|host| ia5(&host.ascii).ok()).map(GeneralName::DnsName)
}

fn alternative(name: &str) -> Result<GeneralName> {
    let refused = || Error::invalid(format!("alternative name {} is no host name and no mail address", printable(name)));
    in_certificate(name).ok_or_else(refused)
}

/// Judges all names by the role. Errors: `Invalid` naming the first that is not allowed.
pub fn judge(role: &Role, display_name: &str, wanted: &Wanted) -> Result<()> {
    let judge = Judge { role, display_name };
    judge.common_name(&wanted.common_name)?;
    // SECURITY: also where common names are not validated: as an alternative name it is what verifiers go by.
    if !wanted.excludes_common_name && in_certificate(&wanted.common_name).is_some() {
        judge.alternative(&wanted.common_name)?;
    }
    for name in &wanted.alternatives {
        judge.alternative(name)?;
    }
    ip::judge(role, &wanted.addresses)?;
    uri::judge(role, &wanted.uris)?;
    other::judge(role, &wanted.others)?;
    let (serial, ids) = (&wanted.serial_number, &wanted.user_ids);
    if !serial.is_empty() && !role.allowed_serial_numbers.iter().any(|pattern| glob_fits(pattern, serial)) {
        return Err(Error::invalid(format!("serial_number {} not allowed by this role", printable(serial))));
    }
    match ids.iter().find(|id| !role.allowed_user_ids.iter().any(|pattern| glob_fits(pattern, id))) {
        Some(id) => Err(Error::invalid(format!("user_id {} is not allowed by this role", printable(id)))),
        None => Ok(()),
    }
}

struct Judge<'r> {
    role: &'r Role,
    display_name: &'r str,
}

impl Judge<'_> {
    fn common_name(&self, name: &str) -> Result<()> {
        let refused = || Error::invalid(format!("common name {} not allowed by this role", printable(name)));
        if name.is_empty() {
            if self.role.require_cn {
                let text = "the common_name field is required, or must be provided in a CSR with \"use_csr_common_name\" set to \
                            true, unless \"require_cn\" is set to false";
                return Err(Error::invalid(text));
            }
            return Ok(());
        }
        let validations = &self.role.cn_validations;
        if validations.iter().any(|v| v == "disabled") {
            return Ok(());
        }
        let kind = if name.contains('@') { "email" } else { "hostname" };
        if !validations.is_empty() && !validations.iter().any(|v| v == kind) {
            return Err(refused());
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            // SECURITY: verifiers exist that take a common name for an address.
            ip::judge(self.role, &[address])?;
            return if self.role.allow_any_name { Ok(()) } else { Err(refused()) };
        }
        if self.admits(name) { Ok(()) } else { Err(refused()) }
    }

    fn alternative(&self, name: &str) -> Result<()> {
        if in_certificate(name).is_some() && self.admits(name) {
            return Ok(());
        }
        let what = if name.contains('@') { "email address" } else { "subject alternate name" };
        Err(Error::invalid(format!("{what} {} not allowed by this role", printable(name))))
    }

    /// Whether the role allows a host name or mail address. SECURITY (CVE-2022-25243): a wildcard is only ever allowed as a
    /// name below a domain, by a pattern with a star, or by `allow_any_name`, and never without `allow_wildcard_certificates`.
    fn admits(&self, name: &str) -> bool {
        let role = self.role;
        let host = match host::mail(name) {
            Some((_, host)) => Some(host),
            None => Host::parse(name),
        };
        let Some(host) = host else {
            let is_wildcard = name.contains('*');
            return !role.enforce_hostnames && !is_wildcard && (role.allow_any_name || self.names_verbatim(name));
        };
        if host.is_wildcard && !role.allow_wildcard_certificates {
            return false;
        }
        role.allow_any_name || self.is_local(&host) || self.is_caller(name, &host) || self.is_in_domains(name, &host)
    }

    /// A common name that is no host name can still stand in the list of domains as it is.
    fn names_verbatim(&self, name: &str) -> bool {
        self.role.allow_bare_domains && self.role.allowed_domains.iter().any(|domain| domain == name)
    }

    fn is_local(&self, host: &Host) -> bool {
        let names = ["localhost", "localdomain"];
        self.role.allow_localhost && names.iter().any(|n| host.is(n) || (self.role.allow_subdomains && host.is_below(n)))
    }

    fn is_caller(&self, name: &str, host: &Host) -> bool {
        let own = self.display_name;
        let is_own = name == own || (self.role.allow_subdomains && !name.contains('@') && host.is_below(own));
        self.role.allow_token_displayname && !own.is_empty() && is_own
    }

    fn is_in_domains(&self, name: &str, host: &Host) -> bool {
        let role = self.role;
        role.allowed_domains.iter().filter(|domain| !domain.is_empty()).any(|domain| {
            let ascii = host::ascii(domain).unwrap_or_else(|| domain.clone());
            let is_pattern = domain.contains('*');
            (role.allow_bare_domains && (host.is(&ascii) || name.eq_ignore_ascii_case(domain)))
                || (role.allow_subdomains && !is_pattern && host.is_below(&ascii))
                || (role.allow_glob_domains && is_pattern && fits_folded(domain, name, host))
        })
    }
}

/// A pattern is for whole names: a mail address fits by itself, a host name by its ASCII form.
fn fits_folded(pattern: &str, name: &str, host: &Host) -> bool {
    let name = if name.contains('@') { name } else { &host.ascii };
    glob_fits(&pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
