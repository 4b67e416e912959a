//! Extensions of certificates.

use der::asn1::{Ia5String, ObjectIdentifier, OctetString};
use der::flagset::FlagSet;
use strongroom_engine::Result;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::certpolicy::PolicyInformation;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, KeyUsages, NameConstraints, SubjectAltName, SubjectKeyIdentifier,
};

use crate::certificate::extension;
use crate::error::encoding;
use crate::store::Urls;

const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

/// What the extensions of one certificate say. Empty parts are left out of the certificate.
#[derive(Default)]
pub struct Contents {
    pub key_usage: FlagSet<KeyUsages>,
    pub ext_key_usage: Vec<ObjectIdentifier>,
    /// None leaves the extension out.
    pub basic: Option<BasicConstraints>,
    pub names: Vec<GeneralName>,
    /// An empty subject makes the alternative names critical (RFC 5280 section 4.2.1.6).
    pub has_subject: bool,
    pub permitted_domains: Vec<String>,
    pub policies: Vec<ObjectIdentifier>,
    pub urls: Urls,
    pub own_key_id: Vec<u8>,
    pub issuer_key_id: Vec<u8>,
}

impl Contents {
    pub fn extensions(self) -> Result<Extensions> {
        let mut all = Vec::new();
        if !self.key_usage.is_empty() {
            all.push(extension(true, &KeyUsage(self.key_usage))?);
        }
        if !self.ext_key_usage.is_empty() {
            all.push(extension(false, &ExtendedKeyUsage(self.ext_key_usage))?);
        }
        if let Some(basic) = self.basic {
            all.push(extension(true, &basic)?);
        }
        all.push(extension(false, &SubjectKeyIdentifier(octets(&self.own_key_id)?))?);
        all.push(extension(false, &authority(&self.issuer_key_id)?)?);
        if !self.urls.issuing_certificates.is_empty() || !self.urls.ocsp_servers.is_empty() {
            all.push(extension(false, &access(&self.urls)?)?);
        }
        if !self.names.is_empty() {
            all.push(extension(!self.has_subject, &SubjectAltName(self.names))?);
        }
        if !self.policies.is_empty() {
            let of = |oid: ObjectIdentifier| PolicyInformation { policy_identifier: oid, policy_qualifiers: None };
            all.push(extension(false, &CertificatePolicies(self.policies.into_iter().map(of).collect()))?);
        }
        if !self.urls.crl_distribution_points.is_empty() {
            all.push(extension(false, &lists(&self.urls)?)?);
        }
        if !self.permitted_domains.is_empty() {
            all.push(extension(true, &constraints(&self.permitted_domains)?)?);
        }
        Ok(all)
    }
}

fn octets(bytes: &[u8]) -> Result<OctetString> {
    OctetString::new(bytes).map_err(encoding)
}

pub fn authority(key_id: &[u8]) -> Result<AuthorityKeyIdentifier> {
    Ok(AuthorityKeyIdentifier {
        key_identifier: Some(octets(key_id)?),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    })
}

fn url(text: &str) -> Result<GeneralName> {
    Ia5String::new(text).map(GeneralName::UniformResourceIdentifier).map_err(encoding)
}

fn access(urls: &Urls) -> Result<AuthorityInfoAccessSyntax> {
    let ocsp = urls.ocsp_servers.iter().map(|u| (OCSP, u));
    let issuers = urls.issuing_certificates.iter().map(|u| (CA_ISSUERS, u));
    let of =
        |(access_method, text): (ObjectIdentifier, &String)| Ok(AccessDescription { access_method, access_location: url(text)? });
    ocsp.chain(issuers).map(of).collect::<Result<_>>().map(AuthorityInfoAccessSyntax)
}

fn lists(urls: &Urls) -> Result<CrlDistributionPoints> {
    let of = |text: &String| {
        let name = DistributionPointName::FullName(vec![url(text)?]);
        Ok(DistributionPoint { distribution_point: Some(name), reasons: None, crl_issuer: None })
    };
    urls.crl_distribution_points.iter().map(of).collect::<Result<_>>().map(CrlDistributionPoints)
}

fn constraints(domains: &[String]) -> Result<NameConstraints> {
    let of = |domain: &String| {
        let base = Ia5String::new(domain).map(GeneralName::DnsName).map_err(encoding)?;
        Ok(GeneralSubtree { base, minimum: 0, maximum: None })
    };
    let permitted = domains.iter().map(of).collect::<Result<Vec<_>>>()?;
    Ok(NameConstraints { permitted_subtrees: Some(permitted), excluded_subtrees: None })
}
