//! What a role may say. What would later make a certificate that the role's writer did not mean is refused here.

use der::asn1::ObjectIdentifier;
use strongroom_engine::{Error, Result};
use strongroom_types::Timestamp;
use x509_cert::ext::pkix::KeyUsages;

use super::{Role, ext_key_usages, key_usages};
use crate::key::Kind;
use crate::name::other::OtherName;
use crate::name::{ip, subject};

/// Entries of one list of a role.
const ENTRIES_MAX: usize = 1024;

impl Role {
    /// Settles what follows from other fields; the answer is warnings. Errors: `Invalid` naming the field or the rule.
    pub fn settle(&mut self) -> Result<Vec<String>> {
        self.check_lists()?;
        self.check_offered()?;
        self.check_times()?;
        self.settle_key()?;
        let usages = key_usages(&self.key_usage)?;
        if usages.contains(KeyUsages::KeyCertSign) {
            return Err(Error::invalid("key_usage of a role cannot be CertSign: its certificates are no CAs"));
        }
        ext_key_usages(&self.ext_key_usage, &self.ext_key_usage_oids)?;
        policies(&self.policy_identifiers)?;
        self.settle_validations()?;
        ip::networks(&self.allowed_ip_sans_cidr)?;
        for allowed in self.allowed_other_sans.iter().filter(|a| *a != "*") {
            OtherName::parse(allowed).map_err(|e| Error::invalid(format!("error parsing allowed_other_sans: {e}")))?;
        }
        subject::of_role(self)?;
        let both = self.no_store && self.generate_lease;
        self.generate_lease &= !self.no_store;
        let warning =
            "mutually exclusive values no_store=true and generate_lease=true were both specified; no_store=true takes priority";
        Ok(both.then(|| warning.to_owned()).into_iter().collect())
    }

    fn check_lists(&self) -> Result<()> {
        let lists = [
            ("allowed_domains", &self.allowed_domains),
            ("allowed_ip_sans_cidr", &self.allowed_ip_sans_cidr),
            ("allowed_uri_sans", &self.allowed_uri_sans),
            ("allowed_other_sans", &self.allowed_other_sans),
            ("allowed_serial_numbers", &self.allowed_serial_numbers),
            ("allowed_user_ids", &self.allowed_user_ids),
            ("ext_key_usage_oids", &self.ext_key_usage_oids),
            ("policy_identifiers", &self.policy_identifiers),
        ];
        match lists.iter().find(|(_, list)| list.len() > ENTRIES_MAX) {
            Some((name, _)) => Err(Error::invalid(format!("{name} has more than {ENTRIES_MAX} entries"))),
            None => Ok(()),
        }
    }

    /// SECURITY: a restriction or form that is not offered must not be taken and then ignored.
    fn check_offered(&self) -> Result<()> {
        let flags = [
            ("allowed_domains_template", self.allowed_domains_template),
            ("allowed_uri_sans_template", self.allowed_uri_sans_template),
            ("allow_globs_in_identity_templates", self.allow_globs_in_identity_templates),
            ("use_pss", self.use_pss),
        ];
        match flags.iter().find(|(_, set)| *set) {
            Some((name, _)) => Err(Error::invalid(format!("{name} is not offered by this server"))),
            None => Ok(()),
        }
    }

    fn check_times(&self) -> Result<()> {
        if !self.max_ttl.is_zero() && self.ttl > self.max_ttl {
            return Err(Error::invalid("\"ttl\" value must be less than \"max_ttl\" value"));
        }
        for (name, text) in [("not_before", &self.not_before), ("not_after", &self.not_after)] {
            if !text.is_empty() && Timestamp::parse_rfc3339(text).is_none() {
                return Err(Error::invalid(format!("{name} must be a time such as 2030-01-31T12:00:00Z")));
            }
        }
        if !["permit", "duration", "forbid"].contains(&self.not_before_bound.as_str()) {
            let text = "Unknown value for field `not_before_bound`. Possible values are `permit` `duration` or `forbid`";
            return Err(Error::invalid(text));
        }
        let bound = self.not_after_bound.as_str();
        if !["permit", "ttl-limited", "forbid"].contains(&bound) && Timestamp::parse_rfc3339(bound).is_none() {
            let text = "Unknown value for field `not_after_bound`. Possible values are `permit`, `ttl-limited`, `forbid`, \
                        or an explicit timestamp.";
            return Err(Error::invalid(text));
        }
        Ok(())
    }

    fn settle_key(&mut self) -> Result<()> {
        if ![0, 256, 384, 512].contains(&self.signature_bits) {
            return Err(Error::invalid("signature_bits must be 0, 256, 384 or 512"));
        }
        if self.key_type == "any" {
            if self.key_bits != 0 {
                return Err(Error::invalid("key_bits must be 0 where key_type is any"));
            }
            return Ok(());
        }
        self.key_bits = i64::from(Kind::parse(&self.key_type, self.key_bits)?.bits());
        Ok(())
    }

    fn settle_validations(&mut self) -> Result<()> {
        self.cn_validations = self.cn_validations.iter().map(|v| v.trim().to_ascii_lowercase()).collect();
        self.cn_validations.sort();
        self.cn_validations.dedup();
        let known = |v: &String| ["email", "hostname", "disabled"].contains(&v.as_str());
        if !self.cn_validations.iter().all(known) {
            return Err(Error::invalid("cn_validations takes email, hostname and disabled"));
        }
        if self.cn_validations.iter().any(|v| v == "disabled") && self.cn_validations.len() > 1 {
            return Err(Error::invalid("cn_validations: disabled stands alone"));
        }
        Ok(())
    }
}

/// OIDs of certificate policies.
pub fn policies(texts: &[String]) -> Result<Vec<ObjectIdentifier>> {
    let oid = |text: &String| {
        ObjectIdentifier::new(text.trim())
            .map_err(|_| Error::invalid("policy_identifiers takes object identifiers such as 1.3.6.1"))
    };
    texts.iter().filter(|t| !t.trim().is_empty()).map(oid).collect()
}
