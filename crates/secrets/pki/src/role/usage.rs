//! Names of key usages.

use der::asn1::ObjectIdentifier;
use der::flagset::FlagSet;
use strongroom_engine::{Error, Result};
use x509_cert::ext::pkix::KeyUsages;

const KEY_USAGES: [(&str, KeyUsages); 9] = [
    ("DigitalSignature", KeyUsages::DigitalSignature),
    ("ContentCommitment", KeyUsages::NonRepudiation),
    ("KeyEncipherment", KeyUsages::KeyEncipherment),
    ("DataEncipherment", KeyUsages::DataEncipherment),
    ("KeyAgreement", KeyUsages::KeyAgreement),
    ("CertSign", KeyUsages::KeyCertSign),
    ("CRLSign", KeyUsages::CRLSign),
    ("EncipherOnly", KeyUsages::EncipherOnly),
    ("DecipherOnly", KeyUsages::DecipherOnly),
];

const EXT_KEY_USAGES: [(&str, &str); 14] = [
    ("Any", "2.5.29.37.0"),
    ("ServerAuth", "1.3.6.1.5.5.7.3.1"),
    ("ClientAuth", "1.3.6.1.5.5.7.3.2"),
    ("CodeSigning", "1.3.6.1.5.5.7.3.3"),
    ("EmailProtection", "1.3.6.1.5.5.7.3.4"),
    ("IPSECEndSystem", "1.3.6.1.5.5.7.3.5"),
    ("IPSECTunnel", "1.3.6.1.5.5.7.3.6"),
    ("IPSECUser", "1.3.6.1.5.5.7.3.7"),
    ("TimeStamping", "1.3.6.1.5.5.7.3.8"),
    ("OCSPSigning", "1.3.6.1.5.5.7.3.9"),
    ("MicrosoftServerGatedCrypto", "1.3.6.1.4.1.311.10.3.3"),
    ("NetscapeServerGatedCrypto", "2.16.840.1.113730.4.1"),
    ("MicrosoftCommercialCodeSigning", "1.3.6.1.4.1.311.2.1.22"),
    ("MicrosoftKernelCodeSigning", "1.3.6.1.4.1.311.61.1.1"),
];

/// Key usages by their names, with or without `KeyUsage` in front. Errors: `Invalid` for an unknown one.
pub fn key_usages(names: &[String]) -> Result<FlagSet<KeyUsages>> {
    let mut all = FlagSet::default();
    for name in names.iter().filter(|n| !n.trim().is_empty()) {
        let bare = bare(name, "keyusage");
        let found = KEY_USAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(bare));
        let (_, usage) =
            found.ok_or_else(|| Error::invalid(format!("key_usage takes {}", known(KEY_USAGES.iter().map(|k| k.0)))))?;
        all |= *usage;
    }
    Ok(all)
}

/// Extended key usages by their names, with or without `ExtKeyUsage` in front, and by OID; each once.
pub fn ext_key_usages(names: &[String], oids: &[String]) -> Result<Vec<ObjectIdentifier>> {
    let mut all = Vec::new();
    for name in names.iter().filter(|n| !n.trim().is_empty()) {
        let bare = bare(name, "extkeyusage");
        let found = EXT_KEY_USAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(bare));
        let unknown = || Error::invalid(format!("ext_key_usage takes {}", known(EXT_KEY_USAGES.iter().map(|k| k.0))));
        push_oid(&mut all, found.ok_or_else(unknown)?.1, "ext_key_usage")?;
    }
    for oid in oids.iter().filter(|o| !o.trim().is_empty()) {
        push_oid(&mut all, oid.trim(), "ext_key_usage_oids")?;
    }
    Ok(all)
}

fn push_oid(all: &mut Vec<ObjectIdentifier>, text: &str, field: &str) -> Result<()> {
    let oid =
        ObjectIdentifier::new(text).map_err(|_| Error::invalid(format!("{field} takes object identifiers such as 1.3.6.1")))?;
    if !all.contains(&oid) {
        all.push(oid);
    }
    Ok(())
}

fn bare<'n>(name: &'n str, prefix: &str) -> &'n str {
    let name = name.trim();
    match name.split_at_checked(prefix.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(prefix) && !rest.is_empty() => rest,
        _ => name,
    }
}

fn known<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usages_have_several_spellings_and_unknown_ones_are_refused() {
        let of = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let both = KeyUsages::DigitalSignature | KeyUsages::CRLSign;
        assert_eq!(key_usages(&of(&["digitalsignature", "KeyUsageCRLSign", ""])).unwrap(), both);
        assert!(key_usages(&of(&["Nope"])).is_err());
        let found = ext_key_usages(&of(&["ServerAuth", "extkeyusageserverauth"]), &of(&["1.3.6.1.5.5.7.3.1", "1.2.3"])).unwrap();
        assert_eq!(found.len(), 2);
        assert!(ext_key_usages(&of(&["Nope"]), &[]).is_err() && ext_key_usages(&[], &of(&["a"])).is_err());
    }
}
